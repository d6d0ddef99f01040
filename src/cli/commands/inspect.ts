import { exitStatus } from '../../errors.ts';
import { inspect, type Inspection } from '../../inspect.ts';
import { compilerOptions, inputShapeOption, shapesByName } from '../compile-options.ts';
import { defineCommand } from '../define-command.ts';
import { readModelFile } from '../model-file.ts';
import { bitText, byteText, numberText, shapeText, timeText } from '../text/figures.ts';
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
      does: 'operators, shapes, depth, estimate; exit status 4 when it cannot be compiled',
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
      exit: found.supported && found.infeasible === null ? exitStatus.ok : exitStatus.cannotCompile,
    };
  },
});

function estimateText({ estimate }: Inspection): string {
  if (estimate === null) return '';
  const { ringDegree, logQP, securityBits, keyBytes, peakCiphertextBytes, modelledSeconds } =
    estimate;
  const lines = factLines([
    ['ring degree', `${ringDegree}, ${estimate.levels} levels, log2 QP = ${logQP.toFixed(1)}`],
    ['security', bitText(securityBits)],
    ['precision', `${bitText(estimate.precisionBits)}, on synthetic inputs`],
    ['keys', `${byteText(keyBytes)} sent`],
    ['ciphertexts', `${byteText(peakCiphertextBytes)} at most at once`],
    [
      'evaluation',
      `${timeText(modelledSeconds === null ? null : modelledSeconds * 1000)}, modelled`,
    ],
  ]);
  return `Estimate of a plan for one image:\n${lines}\n\n`;
}

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
  if (found.infeasible !== null) {
    const { code, message, node, hint } = found.infeasible;
    const where = node === null ? '' : ` (${node})`;
    const help = hint === null ? '' : `\n  help: ${hint}`;
    return `${facts}\n${kinds}\n\nEvery operator is known, but there is no plan: ${code}${where}: ${message}${help}`;
  }
  if (found.supported) {
    return `${facts}\n${kinds}\n\n${estimateText(found)}Everything in it can be compiled.`;
  }
  const parts = textTable(
    unsupported.map(({ name, operator, reason, wayOut }) => [
      `  ${name}`,
      operator,
      `${reason}${wayOut === null ? '' : ` – ${wayOut}`}`,
    ]),
  );
  return `${facts}\n${kinds}\n\nCannot be compiled (${unsupported.length}):\n${parts}`;
}
