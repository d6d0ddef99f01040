/** What stands between the HTTP server and whoever evaluates. */
import type { PublicTensors } from '../../backend/execute/public-values.ts';
import type { CiphertextFile } from '../../seal/index.ts';

/** One evaluation; plan and keys by content. */
export interface EvaluationJob {
  /** Of one request of this tenant: sent again, it may be answered with what was stored. */
  readonly id: string;
  readonly tenant: string;
  /** Name of the model, for metrics and messages; the plan decides. */
  readonly model: string;
  /** Hex. */
  readonly planHash: string;
  /** SHA-256 of the bundle of evaluation keys, hex. */
  readonly keys: string;
  /** A ciphertext file whose form was checked. */
  readonly request: Uint8Array<ArrayBuffer>;
  /** What was read of it, by who is in one process with the evaluator: it is not read again. */
  readonly file?: CiphertextFile;
  /** Tensors that the server knows in the clear, by the names of the plan's public inputs. */
  readonly public: PublicTensors;
}

export interface EvaluateOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void;
}

export interface QueueState {
  readonly waiting: number;
  readonly running: number;
  /** Jobs that run at once; 0 while nobody evaluates. */
  readonly capacity: number;
}

/** Takes evaluations and answers each exactly once: in this process, or by workers on NATS JetStream. */
export interface JobQueue extends AsyncDisposable {
  /**
   * A ciphertext file of results.
   *
   * Throws what `InferenceSession.run` throws, NOT_FOUND for keys that were forgotten meanwhile, and
   * the signal's reason.
   */
  evaluate(job: EvaluationJob, options?: EvaluateOptions): Promise<Uint8Array>;
  /** What waits and runs now, for admission and metrics. */
  state(): QueueState;
  /** Makes keys known to whoever evaluates; `file` stays where it is until they are forgotten. */
  publishKeys(tenant: string, keys: string, file: string): Promise<void>;
  forgetKeys(tenant: string, keys: string): Promise<void>;
}
