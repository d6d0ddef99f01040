import type { CompileRequest, ModelSource } from '../compile.ts';
import { examineModel } from '../frontend/examine-model.ts';
import { calibrationOptions, readCalibration, type CalibrationArgs } from './calibration.ts';
import {
  givenCompileOptions,
  inputRangeOption,
  inputShapeOption,
  publicInputOption,
  rangesByName,
  shapesByName,
  type CompilerArgs,
  type GivenRange,
  type GivenShape,
} from './compile-options.ts';
import { openModel, programOption } from './model-file.ts';
import { tensorInputs } from './program-inputs.ts';

/** What a command needs beside the compiler's own options to compile a model. */
export const modelOptions = {
  ...calibrationOptions,
  inputRange: inputRangeOption,
  inputShape: inputShapeOption,
  publicInput: publicInputOption,
  program: programOption,
} as const;

export interface ModelArgs extends CompilerArgs, CalibrationArgs {
  readonly inputRange: readonly GivenRange[];
  readonly inputShape: readonly GivenShape[];
  readonly publicInput: readonly string[];
  readonly program: string | undefined;
}

/**
 * A model and how the command line wants it compiled.
 *
 * Throws  as `openModel`, `examineModel`, `readCalibration`
 */
export async function openCompileRequest(
  path: string,
  args: ModelArgs,
): Promise<{ readonly model: ModelSource; readonly request: CompileRequest }> {
  const model = await openModel(path, args.program);
  const inputShapes = shapesByName(args.inputShape);
  // The compiler refuses what it cannot import, with the whole list; no input is known then.
  const imported = examineModel(model, { inputShapes }).program;
  const inputs = imported === null ? null : tensorInputs(imported);
  return {
    model,
    request: {
      options: givenCompileOptions(args),
      calibration: inputs === null ? null : await readCalibration(args, inputs),
      inputShapes,
      publicInputs: args.publicInput,
      ...(args.inputRange.length === 0 || inputs === null
        ? {}
        : { inputRanges: rangesByName(args.inputRange, inputs) }),
    },
  };
}
