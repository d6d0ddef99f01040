/**
 * The client of a compiled model.
 *
 * @module
 * @example
 * const client = Client.load(await (await fetch('client.json')).text());
 * const { evaluationKeys } = await client.generateKeys();
 * const request = await client.encrypt({ image: pixels });
 * const { logits } = await client.decrypt(response);
 */
export {
  Client,
  type EvaluationKeyStream,
  type DecryptOptions,
  type GeneratedKeys,
  type KeyOptions,
  type KeyProgress,
} from './client.ts';
export type { Tensor } from './postprocess.ts';
export type { ConnectionOptions } from './remote/connection.ts';
export type { KeySource } from './remote/key-source.ts';
export type {
  ConnectOptions,
  InferOptions,
  InferStage,
  RemoteModel,
} from './remote/remote-model.ts';
export type { RetryPolicy } from './remote/retry.ts';
export type { UploadOptions, UploadProgress, UploadResult } from './remote/upload-keys.ts';
export {
  sharingCounterInMemory,
  type SharedResult,
  type SharingCounter,
  type SharingOptions,
  type SharingTerms,
} from './sharing.ts';
export { readClientPlan } from './read-client-plan.ts';
export type { TensorData, TensorLike } from '../layout/read-inputs.ts';
export { CipherloomError, type ErrorCode } from '../errors.ts';
export type { ClientPlan } from '../layout/client-plan.ts';
