/** The queue that `--queue` names. */
import { mkdir } from 'node:fs/promises';
import { Evaluator } from '../evaluation/evaluator.ts';
import type { EvaluatorOptions } from '../evaluation/evaluator.ts';
import type { ServedModel } from '../models/served-model.ts';
import type { JobQueue } from './job-queue.ts';
import { LocalQueue } from './local/local-queue.ts';
import type { NatsQueueOptions } from './nats/nats-queue.ts';

export interface LocalQueueOptions extends EvaluatorOptions {
  readonly models: ReadonlyMap<string, ServedModel>;
  /** Evaluations that run at once in this process. */
  readonly capacity: number;
}

export interface QueueOptions extends LocalQueueOptions, Omit<NatsQueueOptions, 'url' | 'name'> {
  /** `local`: in this process; `nats://…`: by workers. */
  readonly address: string;
}

export interface OpenedQueue {
  readonly queue: JobQueue;
  /** What is held for evaluation in this process. */
  readonly held: () => { readonly bytes: number; readonly sessions: number };
  /** Which evaluator each model has, by name. */
  readonly backends: Readonly<Record<string, string>>;
}

/** Throws USAGE for an address that is none, QUEUE_UNAVAILABLE, and as `Evaluator.create`. */
export async function openQueue(options: QueueOptions): Promise<OpenedQueue> {
  const { address, models } = options;
  if (address === 'local') return openLocalQueue(options);
  // The libraries of NATS are of no use to a server that evaluates by itself.
  const { NatsQueue } = await import('./nats/nats-queue.ts');
  return {
    queue: await NatsQueue.open({ ...options, url: address, name: 'cipherloom serve' }),
    held: () => ({ bytes: 0, sessions: 0 }),
    backends: Object.fromEntries([...models.keys()].map((name) => [name, 'workers'])),
  };
}

/** Evaluate in this process. Throws as `Evaluator.create`. */
export async function openLocalQueue(options: LocalQueueOptions): Promise<OpenedQueue> {
  const { models, capacity } = options;
  if (options.keyCacheFolder !== null) {
    await mkdir(options.keyCacheFolder, { recursive: true, mode: 0o700 });
  }
  const evaluator = await Evaluator.create(models.values(), options);
  return {
    queue: new LocalQueue({ models: models.values(), evaluator, capacity }),
    held: () => ({ bytes: evaluator.heldBytes, sessions: evaluator.sessions }),
    backends: Object.fromEntries(
      [...models.values()].map(({ name, planHash }) => [name, evaluator.backendOf(planHash)]),
    ),
  };
}
