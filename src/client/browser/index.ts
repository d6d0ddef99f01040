/**
 * The client of a compiled model in a web page: its keys live in a worker.
 *
 * @module
 * @example
 * const client = await BrowserClient.connect('https://inference.example', { model: 'mnist' });
 * await client.prepareKeys({ onProgress: ({ stage, done, total }) => show(stage, done / total) });
 * const { outputs } = await client.infer({ image: pixels });
 */
export {
  BrowserClient,
  type BrowserConnectOptions,
  type BrowserInferOptions,
  type PrepareKeysOptions,
} from './browser-client.ts';
export { hasStoredKey } from './key-vault.ts';
export type { BrowserResult, ConnectedModel, KeysProgress, PreparedKeys } from './messages.ts';
export type { InferStage } from '../remote/remote-model.ts';
export { CipherloomError, type ErrorCode } from '../../errors.ts';
export type { ClientPlan } from '../../layout/client-plan.ts';
export type { TensorData, TensorLike } from '../../layout/read-inputs.ts';
