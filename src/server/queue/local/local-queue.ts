/** Evaluates in this process: so many jobs at once, as memory allows, tenants in turn. */
import { CipherloomError, invariant } from '../../../errors.ts';
import type { Evaluator } from '../../evaluation/evaluator.ts';
import { noSuchKeys } from '../../keys/no-such-keys.ts';
import type { ServedModel } from '../../models/served-model.ts';
import type { EvaluateOptions, EvaluationJob, JobQueue, QueueState } from '../job-queue.ts';
import { nextJob } from './next-job.ts';

export interface LocalQueueOptions {
  readonly models: Iterable<ServedModel>;
  /** The queue takes it over. */
  readonly evaluator: Evaluator;
  /** Jobs that run at once. */
  readonly capacity: number;
}

interface Waiting {
  readonly job: EvaluationJob;
  readonly model: ServedModel;
  readonly options: EvaluateOptions;
  readonly resolve: (response: Uint8Array) => void;
  readonly reject: (error: unknown) => void;
}

export class LocalQueue implements JobQueue {
  readonly #models: ReadonlyMap<string, ServedModel>;
  readonly #evaluator: Evaluator;
  readonly #capacity: number;
  /** Files of keys by tenant and id. */
  readonly #keys = new Map<string, string>();
  readonly #waiting: Waiting[] = [];
  readonly #running = new Set<EvaluationJob>();
  #closed = false;
  #idle: (() => void) | null = null;

  constructor({ models, evaluator, capacity }: LocalQueueOptions) {
    this.#models = new Map([...models].map((model) => [model.planHash, model]));
    this.#evaluator = evaluator;
    this.#capacity = capacity;
  }

  evaluate(job: EvaluationJob, options: EvaluateOptions = {}): Promise<Uint8Array> {
    const model = this.#models.get(job.planHash);
    invariant(model !== undefined, 'a job names a plan that is served');
    if (this.#closed) return Promise.reject(stopping());
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
    const waiting = { job, model, options, resolve, reject };
    const { signal } = options;
    if (signal?.aborted === true) return Promise.reject(signal.reason as Error);
    const leave = (): void => {
      const index = this.#waiting.indexOf(waiting);
      if (index < 0) return;
      this.#waiting.splice(index, 1);
      reject(signal?.reason);
      this.#start();
    };
    signal?.addEventListener('abort', leave, { once: true });
    this.#waiting.push(waiting);
    this.#start();
    return promise.finally(() => {
      signal?.removeEventListener('abort', leave);
    });
  }

  state(): QueueState {
    return {
      waiting: this.#waiting.length,
      running: this.#running.size,
      capacity: this.#capacity,
    };
  }

  publishKeys(tenant: string, keys: string, file: string): Promise<void> {
    this.#keys.set(`${tenant}/${keys}`, file);
    return Promise.resolve();
  }

  async forgetKeys(tenant: string, keys: string): Promise<void> {
    this.#keys.delete(`${tenant}/${keys}`);
    await this.#evaluator.forget(tenant, keys);
  }

  /** Refuses what waits, and frees the evaluator after what runs. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    for (const { reject } of this.#waiting.splice(0)) reject(stopping());
    if (this.#running.size > 0) {
      await new Promise<void>((resolve) => {
        this.#idle = resolve;
      });
    }
    await this.#evaluator[Symbol.asyncDispose]();
  }

  /** Start what may run now. */
  #start(): void {
    while (this.#running.size < this.#capacity) {
      const index = nextJob(
        this.#waiting.map(({ job }) => job),
        this.#running,
      );
      const chosen = this.#waiting[index];
      if (chosen === undefined) return;
      const keys = { tenant: chosen.job.tenant, id: chosen.job.keys };
      // In turn: a small job behind does not overtake for ever one that waits for memory.
      if (this.#running.size > 0 && !this.#evaluator.fits(chosen.model, keys)) return;
      this.#waiting.splice(index, 1);
      this.#running.add(chosen.job);
      void this.#run(chosen).finally(() => {
        this.#running.delete(chosen.job);
        if (this.#running.size === 0) this.#idle?.();
        this.#start();
      });
    }
  }

  async #run({ job, model, options, resolve, reject }: Waiting): Promise<void> {
    const { tenant, keys: id, request, file: read } = job;
    const file = this.#keys.get(`${tenant}/${id}`);
    const { signal, onProgress } = options;
    try {
      if (file === undefined) throw noSuchKeys();
      resolve(
        await this.#evaluator.run(model, { tenant, id, file }, read ?? request, {
          public: job.public,
          ...(signal === undefined ? {} : { signal }),
          ...(onProgress === undefined
            ? {}
            : {
                onProgress: ({ done, total, execution, executions }) => {
                  onProgress({ done: execution * total + done, total: executions * total });
                },
              }),
        }),
      );
    } catch (error) {
      reject(error);
    }
  }
}

export function stopping(): CipherloomError {
  return new CipherloomError('SERVER_BUSY', 'the server is stopping', {
    phase: 'server',
    hint: 'send the request again, with the same id',
  });
}
