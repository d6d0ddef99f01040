/** Runs a plan with the native evaluator. */
import { totalmem } from 'node:os';
import type { ByteSource } from '../../seal/index.ts';
import type { ExecuteOptions } from '../execute/execute.ts';
import type { CiphertextBlobs, PlanRunner } from '../plan-runner.ts';
import { abortable } from './abortable.ts';
import type { NativePlan } from './native-plan.ts';
import type { NativeSession } from './native-session.ts';

/** Encoded constants are worth keeping, but not at any price. */
export const plaintextBytes = Math.min(2 ** 31, totalmem() / 4);

export class NativeRunner implements PlanRunner {
  readonly #plan: NativePlan;
  readonly #keys: ByteSource;
  #session: Promise<NativeSession> | null = null;

  /** Takes over the plan; the keys stay the caller's, and are read at the first run. */
  constructor(plan: NativePlan, keys: ByteSource) {
    this.#plan = plan;
    this.#keys = keys;
  }

  async run(inputs: CiphertextBlobs, options: ExecuteOptions): Promise<CiphertextBlobs> {
    const session = await abortable(this.#openSession(), options.signal);
    return session.run(inputs, options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const session = await this.#session?.catch(() => null);
    session?.[Symbol.dispose]();
    this.#plan[Symbol.dispose]();
  }

  /** The expanded keys; a run that was aborted meanwhile leaves them to the next. */
  #openSession(): Promise<NativeSession> {
    if (this.#session === null) {
      const opening = this.#readKeys();
      this.#session = opening;
      opening.catch(() => {
        this.#session = null;
      });
    }
    return this.#session;
  }

  async #readKeys(): Promise<NativeSession> {
    return this.#plan.openSession(await this.#keys.read(0, this.#keys.byteLength));
  }
}
