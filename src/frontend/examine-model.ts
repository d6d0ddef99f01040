/** Models of either kind: an ONNX file, or a program in TypeScript. */
import { examineProgram, isDefinedProgram } from './dsl/import-program.ts';
import type { DefinedProgram } from './dsl/define-program.ts';
import { examineOnnx } from './import-onnx.ts';
import type { ModelExamination } from './import-onnx.ts';
import type { ExternalData } from './onnx/external-data.ts';

/** An ONNX file. */
export interface OnnxSource {
  readonly bytes: Uint8Array;
  /** Name of the program; the generated code carries it. */
  readonly name: string;
  /** File name for messages. */
  readonly file?: string;
  /** The files beside it that hold tensors (external data); `openModelFolder` gives them. */
  readonly external?: ExternalData;
}

/** An ONNX file, or what `defineProgram` returned. */
export type ModelSource = OnnxSource | DefinedProgram;

export interface ExamineRequest {
  readonly inputShapes?: Readonly<Record<string, readonly number[]>>;
  /** Bounds of the elements by input name; they win over the model's own. */
  readonly inputRanges?: Readonly<Record<string, readonly [number, number]>>;
}

/** Import a model as far as it goes: what is unsupported is listed, not thrown. */
export function examineModel(
  model: ModelSource,
  { inputShapes, inputRanges }: ExamineRequest = {},
): ModelExamination {
  const given = {
    ...(inputShapes === undefined ? {} : { inputShapes }),
    ...(inputRanges === undefined ? {} : { inputRanges }),
  };
  return isDefinedProgram(model)
    ? examineProgram(model, given)
    : examineOnnx(model.bytes, { ...model, ...given });
}
