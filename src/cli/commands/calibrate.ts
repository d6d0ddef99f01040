import { compileUntil } from '../../compile.ts';
import type { NpyArray } from '../../frontend/npy/npy-format.ts';
import { formatNpz } from '../../frontend/npy/write-npz.ts';
import { textOf } from '../../ir/attribute-values.ts';
import type { Program } from '../../ir/program.ts';
import { givenInputs } from '../../ir/public-values.ts';
import { shapeOf } from '../../ir/types.ts';
import { maxMeasured } from '../../passes/joint/approximate-jointly.ts';
import {
  activationDistributions,
  enoughData,
} from '../../passes/ranges/activation-distributions.ts';
import type { ActivationDistribution } from '../../passes/ranges/activation-distributions.ts';
import { samplesOf } from '../../passes/ranges/samples.ts';
import { compilerOptions, type CompilerArgs } from '../compile-options.ts';
import { modelOptions, openCompileRequest } from '../compile-request.ts';
import { defineCommand } from '../define-command.ts';
import { modelDescription } from '../model-file.ts';
import { checkOutputFile, writeOutputFile } from '../output-file.ts';
import { outputOption } from '../shared-options.ts';
import { numberText, shareText } from '../text/figures.ts';
import { factLines, textTable } from '../text/table.ts';
import { usageError } from '../usage-error.ts';

const { maxPool } = compilerOptions;
/** Whatever else a plan is compiled with, the arguments of activations stay the same. */
const otherOptions = Object.fromEntries(
  Object.keys(compilerOptions).map((name) => [name, undefined]),
) as CompilerArgs;
/** The last pass before activations become polynomials. */
const lastPass = 'calibrate-ranges';

export default defineCommand({
  name: 'calibrate',
  summary:
    'Show what a network does on sample data, say whether it is enough, and keep it in a file.',
  positional: { model: { describe: modelDescription } },
  options: {
    ...modelOptions,
    maxPool,
    output: {
      ...outputOption,
      schema: outputOption.schema.optional(),
      value: 'X.npz',
      describe: 'write the data as the network reads it here, for compile --calibration X.npz',
    },
  },
  examples: [
    {
      command: 'cipherloom calibrate relu.onnx --calibration photos/ --mean .5 --std .5 -o c.npz',
      does: 'at most 512 photos, evenly chosen and normalised; then compile --calibration c.npz',
    },
    {
      command: 'cipherloom calibrate relu.onnx --calibration x.npy --json',
      does: 'the distribution of the argument of each activation, for a script',
    },
  ],
  async run({ model: path, output, ...args }, io) {
    if (args.calibration.length === 0) {
      throw usageError('there is no data to look at', {
        option: '--calibration',
        hint: '--calibration X.npy, X.npz or a folder of images',
      });
    }
    if (output !== undefined) {
      if (!output.endsWith('.npz')) {
        throw usageError(`--output ${output} is not the name of an archive of arrays`, {
          option: '--output',
          hint: `--output ${output.replace(/\.\w*$/, '')}.npz`,
        });
      }
      checkOutputFile(output, { inputs: [path, ...args.calibration] });
    }
    io.progress.step('reading the model');
    const { model, request } = await openCompileRequest(path, { ...otherOptions, ...args });
    io.progress.step(lastPass);
    const { program, warnings } = compileUntil(model, { ...request, stopAfter: lastPass });
    for (const warning of warnings) io.warn(warning);
    const calibration = request.calibration ?? null;
    const { images } = samplesOf(program, { calibration });
    io.progress.step('running the network');
    const activations = activationDistributions(program, images, (done) => {
      io.progress.advance(done, images.length);
    });
    const verdict = enoughData(activations, images.length);
    if (output !== undefined) {
      const inputs = [path, ...args.calibration];
      writeOutputFile(output, formatNpz(arraysOf(program, calibration!)), { inputs });
    }
    const json = { output: output ?? null, images: images.length, ...verdict, activations };
    return { json, text: textOfResult(json) };
  },
});

/** The images by input, float32 where that holds them exactly. */
function arraysOf(
  program: Program,
  calibration: ReadonlyMap<string, readonly Float64Array<ArrayBuffer>[]>,
): Map<string, NpyArray> {
  const inputs = givenInputs(program);
  return new Map(
    inputs.map((input) => {
      const name = textOf(input, 'name');
      const images = (calibration.get(name) ?? []).slice(0, maxMeasured);
      const [, ...shape] = shapeOf(input.type);
      const each = images[0]?.length ?? 0;
      const data = new Float64Array(images.length * each);
      images.forEach((image, n) => {
        data.set(image, n * each);
      });
      const single = Float32Array.from(data);
      const exact = data.every((value, n) => value === single[n]);
      return [name, { shape: [images.length, ...shape], data: exact ? single : data }];
    }),
  );
}

interface Result {
  readonly output: string | null;
  readonly images: number;
  readonly enough: boolean;
  readonly reasons: readonly string[];
  readonly activations: readonly ActivationDistribution[];
}

function textOfResult({ output, images, enough, reasons, activations }: Result): string {
  const facts = factLines([
    ['images', String(images)],
    ['enough', enough ? 'yes' : `no: ${reasons.join('; ')}`],
    ...(output === null
      ? []
      : [['written', `${output}, for compile --calibration ${output}`] as const]),
  ]);
  const table = textTable(
    [
      ['activation', '', 'least', '1 %', 'median', '99 %', 'most', 'escape', 'stand out'],
      ...activations.map(({ node, op, distribution, escape, outliers }) => [
        `  ${node ?? '–'}`,
        op,
        numberText(distribution.least),
        numberText(distribution.quantiles['0.01'] ?? null),
        numberText(distribution.quantiles['0.5'] ?? null),
        numberText(distribution.quantiles['0.99'] ?? null),
        numberText(distribution.most),
        shareText(escape),
        outliers.length === 0 ? 'none' : `images ${outliers.slice(0, 5).join(', ')}`,
      ]),
    ],
    ['left', 'left', 'right', 'right', 'right', 'right', 'right', 'right', 'left'],
  );
  const pictures = activations.map(
    ({ node, op, distribution: { histogram } }) => `  ${node ?? op}  ${barsOf(histogram)}`,
  );
  return activations.length === 0 ? facts : `${facts}\n${table}\n${pictures.join('\n')}`;
}

const bars = ' ▁▂▃▄▅▆▇█';

/** From the least to the most argument; the height goes with the root of the share, that tails show. */
function barsOf(histogram: readonly number[]): string {
  const most = Math.sqrt(Math.max(...histogram));
  return histogram
    .map((share) => bars[Math.ceil((Math.sqrt(share) / most) * (bars.length - 1))])
    .join('');
}
