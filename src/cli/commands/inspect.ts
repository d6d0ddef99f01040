import { exitStatus } from '../../errors.ts';
import { inspect, type Inspection } from '../../inspect.ts';
import { compilerOptions, inputShapeOption, shapesByName } from '../compile-options.ts';
import { defineCommand } from '../define-command.ts';
import { readModelFile } from '../model-file.ts';
import { numberText, shapeText } from '../text/figures.ts';
import { factLines, textTable } from '../text/table.ts';

export default defineCommand({
  name: 'inspect',
  summary: 'Show what a model holds, what of it can be compiled, and why the rest cannot.',
  positional: { model: { describe: 'an .onnx file' } },
  options: {
    inputShape: inputShapeOption,
    maxPool: compilerOptions.maxPool,
    activationDegree: compilerOptions.activationDegree,
  },
  examples: [
    {
      command: 'cipherloom inspect lola.onnx',
      does: 'operators, shapes and depth; exit status 4 when something cannot be compiled',
    },
    {
      command: 'cipherloom inspect model.onnx --input-shape image=1,3,224,224 --json',
      does: 'the same as one JSON object, for a model that leaves its input open',
    },
  ],
  run({ model, inputShape, maxPool, activationDegree }, io) {
    const source = readModelFile(model);
    io.progress.step('examining the model');
    const found = inspect(source, {
      inputShapes: shapesByName(inputShape),
      options: {
        ...(maxPool === undefined ? {} : { maxPool }),
        ...(activationDegree === undefined ? {} : { activationDegree }),
      },
    });
    const { warnings, ...json } = found;
    for (const warning of warnings) io.warn(warning);
    return {
      json: { file: model, ...json },
      text: inspectionText(found),
      exit: found.supported ? exitStatus.ok : exitStatus.cannotCompile,
    };
  },
});

function inspectionText(found: Inspection): string {
  const { inputs, outputs, operators, unsupported } = found;
  const count = Object.values(operators).reduce((sum, n) => sum + n, 0);
  const facts = factLines([
    ['model', found.name],
    ...inputs.map(({ name, shape, range }): [string, string] => [
      'input',
      `${name} ${shapeText(shape)} in [${range.map(numberText).join(', ')}]`,
    ]),
    ...outputs.map(({ name, shape }): [string, string] => [
      'output',
      `${name} ${shapeText(shape)}`,
    ]),
    ['parameters', found.parameters?.toLocaleString('en') ?? '–'],
    ['depth', found.multiplicativeDepth === null ? '–' : `${found.multiplicativeDepth} levels`],
    ['operators', `${count} in ${Object.keys(operators).length} kinds`],
  ]);
  const kinds = textTable(
    Object.entries(operators).map(([name, n]) => [`  ${name}`, String(n)]),
    ['left', 'right'],
  );
  if (found.supported) return `${facts}\n${kinds}\n\nEverything in it can be compiled.`;
  const parts = textTable(
    unsupported.map(({ name, operator, reason, wayOut }) => [
      `  ${name}`,
      operator,
      `${reason}${wayOut === null ? '' : ` – ${wayOut}`}`,
    ]),
  );
  return `${facts}\n${kinds}\n\nCannot be compiled (${unsupported.length}):\n${parts}`;
}
