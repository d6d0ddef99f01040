/** Waits for what happens to a job, as workers tell it; what was missed is noticed by looking. */
import type { NatsConnection, Subscription } from '@nats-io/transport-node';
import { jobEvent } from './messages.ts';
import type { JobEvent } from './messages.ts';
import { subjects } from './names.ts';

export class JobWatch implements Disposable {
  readonly #subscription: Subscription;
  #wake: (() => void) | null = null;
  #answered = false;

  constructor(nc: NatsConnection, name: string, onEvent: (event: JobEvent) => void) {
    this.#subscription = nc.subscribe(subjects.events(name), {
      callback: (error, { data }) => {
        if (error !== null) return;
        try {
          const event = jobEvent.decode(data);
          onEvent(event);
          if (event.kind !== 'answered') return;
        } catch {
          // Of another version; looking finds the answer.
        }
        this.#answered = true;
        this.#wake?.();
      },
    });
  }

  /** Resolves when the job is said to be answered, after so many milliseconds, or with the signal. */
  async answered(ms: number, signal: AbortSignal | undefined): Promise<void> {
    if (this.#answered || signal?.aborted === true) return;
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const wake = (): void => {
      resolve(undefined);
    };
    const timer = setTimeout(wake, ms);
    signal?.addEventListener('abort', wake, { once: true });
    this.#wake = wake;
    await promise;
    this.#wake = null;
    signal?.removeEventListener('abort', wake);
    clearTimeout(timer);
  }

  [Symbol.dispose](): void {
    this.#subscription.unsubscribe();
  }
}
