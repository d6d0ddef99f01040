/** The workers that are there, as far as a server hears of them. */
import type { NatsConnection, Subscription } from '@nats-io/transport-node';
import { workerMessage } from './messages.ts';
import type { WorkerMessage } from './messages.ts';
import { subjects } from './names.ts';

/** Workers say what they do this often, and whenever it changes. */
export const announceMs = 2_000;

/** One that was silent for so long is gone. */
const silentMs = 3 * announceMs;

export class Fleet implements Disposable {
  readonly #workers = new Map<string, { readonly message: WorkerMessage; readonly at: number }>();
  readonly #subscription: Subscription;

  constructor(nc: NatsConnection) {
    this.#subscription = nc.subscribe(subjects.fleet, {
      callback: (error, { data }) => {
        if (error !== null) return;
        try {
          const message = workerMessage.decode(data);
          this.#workers.set(message.worker, { message, at: Date.now() });
        } catch {
          // Of another version; it counts as not there.
        }
      },
    });
  }

  /** Jobs that all workers run at once. */
  get capacity(): number {
    return this.#sum(({ capacity }) => capacity);
  }

  get running(): number {
    return this.#sum(({ running }) => running);
  }

  /** Whether a worker has keys of this part of a plan ready. */
  isReady(consumer: string): boolean {
    return this.#present().some(({ ready }) => ready.includes(consumer));
  }

  [Symbol.dispose](): void {
    this.#subscription.unsubscribe();
  }

  #sum(figure: (message: WorkerMessage) => number): number {
    return this.#present().reduce((sum, message) => sum + figure(message), 0);
  }

  #present(): WorkerMessage[] {
    const since = Date.now() - silentMs;
    for (const [worker, { at }] of this.#workers) if (at < since) this.#workers.delete(worker);
    return [...this.#workers.values()].map(({ message }) => message);
  }
}
