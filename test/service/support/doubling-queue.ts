/** A queue whose evaluation is arithmetic: what NATS does with jobs shows without encryption. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { EvaluationJob, JobQueue } from '../../../src/server/queue/job-queue.ts';

export interface Doubling extends JobQueue {
  /** Ids of the jobs that were evaluated to their end, in order. */
  readonly done: string[];
  /** Ids of the jobs that were begun. */
  readonly begun: string[];
}

/** Each byte twice its value; a first byte of 255 is refused. */
export function doublingQueue(
  ms = 0,
  before: (job: EvaluationJob, begun: number) => void = () => undefined,
): Doubling {
  const done: string[] = [];
  const begun: string[] = [];
  return {
    done,
    begun,
    async evaluate(job, { signal, onProgress } = {}) {
      begun.push(job.id);
      before(job, begun.filter((id) => id === job.id).length);
      onProgress?.({ done: 1, total: 2 });
      await sleep(ms, undefined, signal === undefined ? {} : { signal });
      signal?.throwIfAborted();
      done.push(job.id);
      return job.request.map((byte) => byte * 2);
    },
    state: () => ({ waiting: 0, running: 0, capacity: 1 }),
    publishKeys: () => Promise.resolve(),
    forgetKeys: () => Promise.resolve(),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
