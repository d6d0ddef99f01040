import { currentProducer } from '../../backend/plan/producer.ts';
import { generateTorch } from '../../backend/torch/generate.ts';
import { compileUntil } from '../../compile.ts';
import { CipherloomError } from '../../errors.ts';
import type { NpyArray } from '../../frontend/npy/npy-format.ts';
import { formatNpz } from '../../frontend/npy/write-npz.ts';
import type { Tensor } from '../../ir/tensor.ts';
import { passes } from '../../passes/index.ts';
import { compilerOptions } from '../compile-options.ts';
import { modelOptions, openCompileRequest } from '../compile-request.ts';
import { defineCommand } from '../define-command.ts';
import { modelDescription } from '../model-file.ts';
import { checkOutputFile, writeOutputFile } from '../output-file.ts';
import { outputOption } from '../shared-options.ts';
import { byteText, numberText } from '../text/figures.ts';
import { factLines, textTable } from '../text/table.ts';
import { usageError } from '../usage-error.ts';

/** The archive is written without the records that larger ones need. */
const maxWeightBytes = 2 ** 32 - 2 ** 24;

/** The passes up to where activations are polynomials, and linear maps still those of the model. */
const lastPass = passes[passes.findIndex(({ name }) => name === 'fold-polynomials') - 1]!.name;

export default defineCommand({
  name: 'export-torch',
  summary: 'Write a network with its polynomials as a PyTorch module, to train it further.',
  positional: { model: { describe: modelDescription } },
  options: {
    output: {
      ...outputOption,
      value: 'FILE.py',
      describe: 'the module; its weights go to FILE.npz beside it',
    },
    ...modelOptions,
    ...compilerOptions,
  },
  examples: [
    {
      command: 'cipherloom export-torch relu.onnx --calibration images.npy -o relu.py',
      does: 'relu.py and relu.npz: the polynomials that compile would choose, trainable',
    },
    {
      command:
        'cipherloom export-torch relu.onnx --calibration x.npy --activation-degree 2 -o r.py',
      does: 'polynomials of degree 2: cheap, and worth training',
    },
  ],
  async run(args, io) {
    const { output } = args;
    if (!output.endsWith('.py')) {
      throw usageError(`--output ${output} is not the name of a Python file`, {
        option: '--output',
        hint: `--output ${output}.py`,
      });
    }
    const archive = `${output.slice(0, -'.py'.length)}.npz`;
    const inputs = [args.model, ...args.calibration];
    for (const file of [output, archive]) checkOutputFile(file, { inputs });
    io.progress.step('reading the model');
    const { model, request } = await openCompileRequest(args.model, args);
    const { program, warnings, notes } = compileUntil(model, {
      ...request,
      stopAfter: lastPass,
      afterPass: ({ name }, _program, index) => {
        if (name !== lastPass) io.progress.step(passes[index + 1]!.name);
      },
    });
    for (const warning of warnings) io.warn(warning);
    const facts = [...notes.values()].flat();
    const made = generateTorch(program, { producer: currentProducer(), notes: facts });
    const elements = [...made.weights.values()].reduce((sum, { data }) => sum + data.length, 0);
    if (4 * elements > maxWeightBytes) throw tooLarge(args.model, 4 * elements);
    writeOutputFile(archive, formatNpz(float32Arrays(made.weights)), { inputs });
    writeOutputFile(output, made.source, { inputs });
    const approximations = facts.flatMap((note) => (note.kind === 'approximation' ? [note] : []));
    const json = {
      output,
      weights: archive,
      weightBytes: 4 * elements,
      batched: made.batched,
      polynomials: made.polynomials,
      approximations: approximations.map(({ kind: _, sketch: __, ...facts }) => facts),
    };
    const table = textTable(
      approximations.map(({ node, op, method, degree, range, rmsError }) => [
        `  ${node ?? '–'}`,
        op,
        `degree ${degree}, ${method}`,
        `on [${range.map(numberText).join(', ')}]`,
        `rms error ${numberText(rmsError)}`,
      ]),
    );
    const text = factLines([
      ['module', output],
      ['weights', `${archive}, ${byteText(4 * elements)}`],
      ['polynomials', String(made.polynomials)],
      ['images', made.batched ? 'any number at a time' : 'one at a time'],
    ]);
    return { json, text: table === '' ? text : `${text}\n${table}` };
  },
});

/** In float32, as networks are trained. */
function float32Arrays(weights: ReadonlyMap<string, Tensor>): Map<string, NpyArray> {
  return new Map(
    [...weights].map(([name, { shape, data }]) => [name, { shape, data: Float32Array.from(data) }]),
  );
}

function tooLarge(model: string, weightBytes: number): CipherloomError {
  return new CipherloomError(
    'RESOURCE_LIMIT',
    `the weights of ${model} take ${weightBytes} bytes, an archive holds at most ${maxWeightBytes}`,
    {
      phase: 'cli',
      node: model,
      details: { weightBytes, limit: maxWeightBytes },
      hint: 'train the original network, with x² in the place of its activations',
    },
  );
}
