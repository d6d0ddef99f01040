/**
 * Compile trained ONNX networks into programs that run on encrypted inputs.
 *
 * @module
 * @example
 * const model = { bytes: await readFile('lola.onnx'), name: 'lola' };
 * const { plan, client, report } = await compile(model);
 */
export { compile, compileUntil } from './compile.ts';
export type { CompiledModel, CompileRequest, ModelSource, StoppedCompilation } from './compile.ts';
export { inspect } from './inspect.ts';
export type { Inspection, InspectRequest } from './inspect.ts';
export { CipherloomError, errorCodes } from './errors.ts';
export type { ErrorCode, Warning } from './errors.ts';
export type { CompileOptions } from './passes/options.ts';
export type { Report } from './backend/report/build-report.ts';
export { readNpy, readNpz } from './read-npy.ts';
export type { NumberArray } from './read-npy.ts';
export { openModelFolder } from './frontend/onnx/model-folder.ts';
export type { ExternalData, ExternalPlace } from './frontend/onnx/external-data.ts';
