import { exitStatus } from '../../errors.ts';
import type { ExitStatus, Warning } from '../../errors.ts';
import { examineModel } from '../../frontend/examine-model.ts';
import { inspect, type Inspection } from '../../inspect.ts';
import { passes } from '../../passes/index.ts';
import { compileOptionsSchema } from '../../passes/options.ts';
import { calibrationOptions, readCalibration } from '../calibration.ts';
import {
  compilerOptions,
  givenCompileOptions,
  inputRangeOption,
  inputShapeOption,
  publicInputOption,
  rangesByName,
  shapesByName,
} from '../compile-options.ts';
import { defineCommand } from '../define-command.ts';
import { escapeControl } from '../escape-control.ts';
import { modelDescription, openModel, programOption } from '../model-file.ts';
import { tensorInputs } from '../program-inputs.ts';
import { inspectionPage } from '../text/inspection-page.ts';
import { shellWord, typedOptions } from '../text/typed-options.ts';

export default defineCommand({
  name: 'inspect',
  summary: 'Say whether a model will work, what it will cost, and what to change if not.',
  positional: { model: { describe: modelDescription } },
  options: {
    ...calibrationOptions,
    inputRange: inputRangeOption,
    inputShape: inputShapeOption,
    publicInput: publicInputOption,
    program: programOption,
    ...compilerOptions,
  },
  examples: [
    {
      command: 'cipherloom inspect model.onnx',
      does: 'the verdict, the cost, what to change, the next command; exit status 4 when it cannot work',
    },
    {
      command: 'cipherloom inspect model.onnx --calibration images.npy',
      does: 'the same with your data: the figures that compile will report',
    },
    {
      command: 'cipherloom inspect model.onnx --input-shape image=1,3,224,224 --json',
      does: 'one JSON object with every node and layer, for a model that leaves its input open',
    },
  ],
  async run(args, io) {
    io.progress.step('reading the model');
    const model = await openModel(args.model, args.program);
    const inputShapes = shapesByName(args.inputShape);
    const options = givenCompileOptions(args);
    // What cannot be imported is listed by `inspect`; no input is known then.
    const imported = examineModel(model, { inputShapes }).program;
    const inputs = imported === null ? [] : tensorInputs(imported);
    const found = await inspect(model, {
      inputShapes,
      publicInputs: args.publicInput,
      options,
      calibration: inputs.length === 0 ? null : await readCalibration(args, inputs),
      ...(args.inputRange.length === 0
        ? {}
        : { inputRanges: rangesByName(args.inputRange, inputs) }),
      afterPass: (_pass, _program, index) => {
        const next = passes[index + 1];
        if (next !== undefined) io.progress.step(`estimating: ${next.name}`);
      },
    });
    const { warnings, ...json } = found;
    for (const warning of warnings) if (io.json || !isOnThePage(warning)) io.warn(warning);
    const { precisionBits, security } = compileOptionsSchema.parse(options);
    const { inputShape, inputRange, calibration } = args;
    const typed = `${shellWord(args.model)}${typedOptions({
      calibration,
      ...(args.mean === undefined ? {} : { mean: args.mean.join() }),
      ...(args.std === undefined ? {} : { std: args.std.join() }),
      inputRange: inputRange.map(({ name, range }) =>
        name === null ? range.join(',') : `${name}=${range.join(',')}`,
      ),
      inputShape: inputShape.map(({ name, shape }) => `${name}=${shape.join(',')}`),
      publicInput: args.publicInput,
      program: args.program,
      ...typedForm(options),
    })}`;
    const { color, columns } = io;
    const form = { color, columns, typed: escapeControl(typed), precisionBits, security };
    return {
      json: { file: args.model, ...json },
      text: inspectionPage(found, form),
      exit: exitOf(found),
    };
  },
});

/** What averages cost altogether is measured, and names no node: the page does not have it. */
function isOnThePage({ id, node }: Warning): boolean {
  return onThePage.has(id) && (id !== 'MAX_POOL_AVERAGED' || node !== undefined);
}

/** Warnings that the page says where they matter. */
const onThePage: ReadonlySet<Warning['id']> = new Set([
  'CALIBRATION_SYNTHETIC',
  'INPUT_RANGE_ASSUMED',
  'MAX_POOL_AVERAGED',
]);

/** Values of compiler options as words. */
function typedForm(options: Readonly<Record<string, unknown>>): Record<string, string | true> {
  return Object.fromEntries(
    Object.entries(options)
      .filter(([, value]) => value !== false)
      .map(([name, value]) => [name, value === true ? true : String(value)]),
  );
}

function exitOf({ verdict, infeasible }: Inspection): ExitStatus {
  if (verdict !== 'does-not-work') return exitStatus.ok;
  return infeasible?.exit ?? exitStatus.cannotCompile;
}
