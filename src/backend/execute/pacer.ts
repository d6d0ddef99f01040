/** Counts work, reports progress, and lets other tasks of the process run now and then. */
import { setImmediate } from 'node:timers/promises';

export interface Progress {
  /** Units of work done, of `total`. */
  readonly done: number;
  readonly total: number;
  /** Name of the model's node that is computed, where the operation has one. */
  readonly node: string | null;
}

export interface PaceOptions {
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Longest time without a pause, in milliseconds: a server answers other requests meanwhile. */
const sliceMs = 50;

export class Pacer {
  readonly #total: number;
  readonly #options: PaceOptions;
  #done = 0;
  #node: string | null = null;
  #lastPause = performance.now();

  constructor(total: number, options: PaceOptions) {
    this.#total = total;
    this.#options = options;
  }

  enter(node: string | null): void {
    this.#node = node;
  }

  /** Count units; returns a promise when it is time to pause. Rejects with the signal's reason. */
  tick(units: number): Promise<void> | undefined {
    this.#done += units;
    if (performance.now() - this.#lastPause < sliceMs) return undefined;
    return this.pause();
  }

  async pause(): Promise<void> {
    this.#options.onProgress?.({ done: this.#done, total: this.#total, node: this.#node });
    await setImmediate();
    this.#options.signal?.throwIfAborted();
    this.#lastPause = performance.now();
  }
}
