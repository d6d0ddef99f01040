/** A client in a page: everything with a key happens in a worker, so that the page never waits. */
import { CipherloomError } from '../../errors.ts';
import type { ClientPlan } from '../../layout/client-plan.ts';
import type { TensorLike } from '../../layout/read-inputs.ts';
import type { InferStage } from '../remote/remote-model.ts';
import type { RetryPolicy } from '../remote/retry.ts';
import type { SharedResult } from '../sharing.ts';
import type {
  BrowserResult,
  CallName,
  Calls,
  ConnectedModel,
  KeysProgress,
  PreparedKeys,
  SentError,
  WorkerMessage,
} from './messages.ts';

export interface BrowserConnectOptions {
  /** Name of the model on the server; else the URL ends with /v2/models/NAME. */
  readonly model?: string;
  /** Sent as `Authorization: Bearer …`. */
  readonly token?: string;
  /** Accept a plan that is below 128 bits; for tests. */
  readonly insecure?: boolean;
  readonly retry?: Partial<RetryPolicy>;
  readonly signal?: AbortSignal;
  /** A module worker that runs `cipherloom/client/worker`, for builds that do not find it. */
  readonly worker?: Worker;
}

export interface PrepareKeysOptions {
  /** Whether the secret key rests in this browser, wrapped; see `key-vault.ts`. Default: it does not. */
  readonly keep?: boolean;
  readonly onProgress?: (progress: KeysProgress) => void;
  readonly signal?: AbortSignal;
}

export interface BrowserInferOptions {
  readonly onStage?: (stage: InferStage) => void;
  readonly signal?: AbortSignal;
}

interface Pending {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
  readonly onProgress: ((progress: unknown) => void) | undefined;
}

export class BrowserClient implements Disposable {
  readonly #worker: Worker;
  readonly #pending = new Map<number, Pending>();
  #model: ConnectedModel | null = null;
  #calls = 0;
  #ended: CipherloomError | null = null;

  private constructor(worker: Worker) {
    this.#worker = worker;
    worker.onmessage = ({ data }: MessageEvent<WorkerMessage>) => {
      this.#receive(data);
    };
    worker.onerror = (event) => {
      event.preventDefault();
      this.#end(workerFailed(event.message));
    };
  }

  /**
   * Start a worker and connect it to a model on a server.
   *
   * Throws SEAL_FAILED where the worker does not start; else as `Client.connect`
   */
  static async connect(
    url: string | URL,
    { worker, signal, ...options }: BrowserConnectOptions = {},
  ): Promise<BrowserClient> {
    if (!globalThis.isSecureContext) {
      throw new CipherloomError('USAGE', 'browsers offer cryptography to secure pages only', {
        phase: 'client',
        hint: 'serve the page over https, or from localhost',
      });
    }
    const client = new BrowserClient(worker ?? startWorker());
    try {
      const request = { url: new URL(url, location.href).href, ...options };
      client.#model = await client.#call('connect', request, { signal });
      return client;
    } catch (error) {
      client[Symbol.dispose]();
      throw error;
    }
  }

  /** Name, plan and sizes of the model. */
  get model(): ConnectedModel {
    if (this.#model !== null) return this.#model;
    throw new CipherloomError('USE_AFTER_DISPOSE', 'the client is not connected', {
      phase: 'client',
    });
  }

  get plan(): ClientPlan {
    return this.model.plan;
  }

  /**
   * Make keys, or find those that rest in this browser, and upload what the server lacks of the
   * evaluation keys.
   *
   * With `keep`, a page that is reloaded in between goes on where it was. Throws as
   * `Client.generateKeys` and `RemoteModel.uploadKeys`; FILE_UNWRITABLE where nothing may be kept
   */
  prepareKeys({
    keep = false,
    onProgress,
    signal,
  }: PrepareKeysOptions = {}): Promise<PreparedKeys> {
    return this.#call('prepareKeys', { keep }, { onProgress, signal });
  }

  /**
   * Encrypt, have the server compute, decrypt.
   *
   * Aborting stops the server too. Throws as `RemoteModel.infer`
   */
  infer(
    inputs: Readonly<Record<string, TensorLike>>,
    { onStage, signal }: BrowserInferOptions = {},
  ): Promise<BrowserResult> {
    return this.#call('infer', { inputs }, { onProgress: onStage, signal });
  }

  /** As `Client.decryptForSharing`; results are counted beside the key, for as long as it lives. */
  decryptForSharing(
    response: Uint8Array<ArrayBuffer>,
    bits: number,
    options: { readonly maxShared?: number; readonly minStatisticalBits?: number } = {},
  ): Promise<SharedResult> {
    return this.#call('decryptForSharing', { response, bits, ...options });
  }

  /** Remove the keys of this plan from this browser and from the server. */
  forgetKeys(signal?: AbortSignal): Promise<undefined> {
    return this.#call('forgetKeys', {}, { signal });
  }

  /** End the worker, and with it a secret key that does not rest in the browser. */
  [Symbol.dispose](): void {
    this.#end(
      new CipherloomError('USE_AFTER_DISPOSE', 'the client was disposed', { phase: 'client' }),
    );
  }

  async #call<Name extends CallName>(
    name: Name,
    request: Calls[Name]['request'],
    options: {
      readonly onProgress?: ((progress: Calls[Name]['progress']) => void) | undefined;
      readonly signal?: AbortSignal | undefined;
    } = {},
  ): Promise<Calls[Name]['result']> {
    const { onProgress, signal } = options;
    signal?.throwIfAborted();
    if (this.#ended !== null) throw this.#ended;
    const id = this.#calls++;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#pending.set(id, {
      resolve,
      reject,
      // What a call reports is what its name says.
      onProgress: onProgress as ((progress: unknown) => void) | undefined,
    });
    const abort = (): void => {
      this.#worker.postMessage({ kind: 'abort', id });
      this.#pending.delete(id);
      reject(signal?.reason);
    };
    signal?.addEventListener('abort', abort, { once: true });
    try {
      this.#worker.postMessage({ kind: 'call', id, name, request });
      return (await promise) as Calls[Name]['result'];
    } finally {
      this.#pending.delete(id);
      signal?.removeEventListener('abort', abort);
    }
  }

  #receive(message: WorkerMessage): void {
    const pending = this.#pending.get(message.id);
    if (message.kind === 'progress') pending?.onProgress?.(message.progress);
    else if (message.kind === 'done') pending?.resolve(message.result);
    else pending?.reject(revive(message.error));
  }

  #end(error: CipherloomError): void {
    this.#ended ??= error;
    this.#worker.terminate();
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
  }
}

/** The form in which Vite and webpack find a worker and bundle it. */
function startWorker(): Worker {
  try {
    return new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
  } catch (cause) {
    throw workerFailed(cause instanceof Error ? cause.message : String(cause));
  }
}

function workerFailed(message: string | undefined): CipherloomError {
  return new CipherloomError(
    'SEAL_FAILED',
    `the worker that encrypts ${message === undefined || message === '' ? 'did not start' : `failed: ${message}`}`,
    {
      phase: 'client',
      hint: "check that worker.js is served beside the page's scripts, and that the Content-Security-Policy has worker-src 'self' and script-src 'self' 'wasm-unsafe-eval'",
    },
  );
}

function revive({ code, name, message, phase, node, details, hint }: SentError): Error {
  if (code === null) return Object.assign(new Error(message), { name });
  return new CipherloomError(code, message, {
    ...(phase === null ? {} : { phase }),
    node: node ?? undefined,
    details,
    hint: hint ?? undefined,
  });
}
