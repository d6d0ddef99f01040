/** When a request is sent again, and when that is given up. */

export interface RetryPolicy {
  /** How often a request is sent at most. */
  readonly attempts: number;
  /** Wait after the first failure; it doubles with each further one. */
  readonly firstDelayMs: number;
  /** Longest wait; a server that asks for more is not waited for. */
  readonly longestDelayMs: number;
}

export const defaultRetry: RetryPolicy = {
  attempts: 6,
  firstDelayMs: 500,
  longestDelayMs: 30_000,
};

/** Busy, stopping, or a proxy without its server: the same request can succeed later. */
export function isTransient(status: number): boolean {
  return status === 429 || status === 502 || status === 503;
}

/**
 * Milliseconds until the next attempt, or null when it is given up.
 *
 * Half of the wait is random, so that clients which failed together do not return together.
 */
export function retryDelay(
  { attempts, firstDelayMs, longestDelayMs }: RetryPolicy,
  failures: number,
  retryAfter: string | null,
): number | null {
  if (failures >= attempts) return null;
  const asked = secondsOf(retryAfter) * 1000;
  if (asked > longestDelayMs) return null;
  const delay = Math.min(firstDelayMs * 2 ** (failures - 1), longestDelayMs);
  return Math.max(asked, delay * (0.5 + Math.random() / 2));
}

/** Retry-After as seconds or a date; 0 where it says nothing. */
function secondsOf(retryAfter: string | null): number {
  if (retryAfter === null) return 0;
  if (/^\d{1,9}$/.test(retryAfter)) return Number(retryAfter);
  const date = Date.parse(retryAfter);
  return Number.isNaN(date) ? 0 : Math.max(0, (date - Date.now()) / 1000);
}

/** Wait; rejects with the signal's reason. */
export async function wait(ms: number, signal: AbortSignal | undefined): Promise<void> {
  signal?.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => {
    resolve(undefined);
  }, ms);
  const abort = (): void => {
    clearTimeout(timer);
    reject(signal?.reason as Error);
  };
  signal?.addEventListener('abort', abort, { once: true });
  try {
    await promise;
  } finally {
    signal?.removeEventListener('abort', abort);
  }
}
