/** Repeat what fails while NATS is not there. */
import { setTimeout as sleep } from 'node:timers/promises';
import { CipherloomError } from '../../../errors.ts';

const firstMs = 100;
const longestMs = 2_000;

/**
 * What `attempt` gives, tried again after each failure until it works; for ever unless the signal fires.
 *
 * ASSUME: `attempt` may be repeated after it failed half-way. Errors of ours are no failures of NATS:
 * they are thrown, as is the signal's reason.
 */
export async function tryAgain<T>(
  attempt: () => Promise<T>,
  signal?: AbortSignal,
  onFailure?: (error: unknown) => void,
): Promise<T> {
  for (let waitMs = firstMs; ; waitMs = Math.min(2 * waitMs, longestMs)) {
    signal?.throwIfAborted();
    try {
      return await attempt();
    } catch (error) {
      if (error instanceof CipherloomError) throw error;
      onFailure?.(error);
    }
    await sleep(waitMs, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
  }
}
