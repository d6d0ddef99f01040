/** Which of the jobs that wait runs next. */
import type { EvaluationJob } from '../job-queue.ts';

type Turn = Pick<EvaluationJob, 'tenant' | 'keys' | 'planHash'>;

/**
 * The longest waiting job of the tenant that has the fewest running; −1 where none may run.
 *
 * A job whose keys are in use waits: a session evaluates one request at a time, and a place would lie
 * idle meanwhile.
 */
export function nextJob(waiting: readonly Turn[], running: Iterable<Turn>): number {
  const runs = [...running];
  let best = -1;
  let fewest = Infinity;
  for (const [index, job] of waiting.entries()) {
    const busy = runs.some(
      (run) => run.tenant === job.tenant && run.keys === job.keys && run.planHash === job.planHash,
    );
    if (busy) continue;
    const own = runs.filter(({ tenant }) => tenant === job.tenant).length;
    if (own < fewest) {
      best = index;
      fewest = own;
    }
  }
  return best;
}
