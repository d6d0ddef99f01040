/**
 * The server of a compiled model: evaluates requests with evaluation keys alone.
 *
 * @module
 * @example
 * const session = await InferenceSession.create('plan/model.loom', {
 *   evaluationKeys: 'keys/evaluation.keys',
 * });
 * const response = await session.run(request);
 * await session.release();
 */
export {
  InferenceSession,
  type Backend,
  type RunOptions,
  type SessionOptions,
  type SessionProgress,
} from './inference-session.ts';
export type { SimulateOptions, Simulation } from '../backend/clear/simulate.ts';
export type { RangeEscape } from '../backend/clear/range-escapes.ts';
export type { PublicTensors } from '../backend/execute/public-values.ts';
export type { TensorLike } from '../layout/read-inputs.ts';
export { CipherloomError, type ErrorCode } from '../errors.ts';
