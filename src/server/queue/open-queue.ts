/** The queue that `--queue` names. */
import { mkdir } from 'node:fs/promises';
import { CipherloomError } from '../../errors.ts';
import { Evaluator } from '../evaluation/evaluator.ts';
import type { EvaluatorOptions } from '../evaluation/evaluator.ts';
import type { ServedModel } from '../models/served-model.ts';
import type { JobQueue } from './job-queue.ts';
import { LocalQueue } from './local/local-queue.ts';

export interface QueueOptions extends EvaluatorOptions {
  /** `local`: in this process. */
  readonly address: string;
  readonly models: ReadonlyMap<string, ServedModel>;
  /** Evaluations that run at once in this process. */
  readonly capacity: number;
}

export interface OpenedQueue {
  readonly queue: JobQueue;
  /** What is held for evaluation in this process. */
  readonly held: () => { readonly bytes: number; readonly sessions: number };
  /** Which evaluator each model has, by name. */
  readonly backends: Readonly<Record<string, string>>;
}

/** Throws USAGE for an address that is none, and as `Evaluator.create`. */
export async function openQueue(options: QueueOptions): Promise<OpenedQueue> {
  const { address, models, capacity } = options;
  if (address !== 'local') {
    throw new CipherloomError('USAGE', `${address} is no queue`, {
      phase: 'server',
      node: '--queue',
      hint: 'use local',
    });
  }
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
