/**
 * Programs that no framework exports: filters, statistics, scores, a network by hand.
 *
 * @module
 * @example
 * export default defineProgram('energy', ({ input }) => {
 *   const x = input('signal', [1024], { range: [-1, 1] });
 *   return { energy: x.square().mean() };
 * });
 */
export { defineProgram } from './define-program.ts';
export type {
  BuildRequest,
  BuiltProgram,
  DefinedProgram,
  InputOptions,
  Outputs,
  ProgramTools,
} from './define-program.ts';
export type { Constant, Nested, Operand, Shaped, TensorLiteral } from './operand.ts';
export type { Shape } from './shapes.ts';
export type { ConvOptions, Padding, PoolOptions, ReduceOptions, Value } from './value.ts';
