/** A plan in the memory of the native evaluator. */
import type { NativeAddon, AddonPlan } from './addon.ts';
import { nativeError } from './native-error.ts';
import { NativeSession } from './native-session.ts';

export interface NativePlanOptions {
  /** Most bytes of encoded constants that are kept from one run to the next. */
  readonly plaintextBytes: number;
  /** Threads that share the work of a run. */
  readonly threads: number;
}

export class NativePlan implements Disposable {
  readonly #addon: NativeAddon;
  readonly #plan: AddonPlan;

  private constructor(addon: NativeAddon, plan: AddonPlan) {
    this.#addon = addon;
    this.#plan = plan;
  }

  /**
   * Read the bytes of `model.loom` outside of JavaScript's thread.
   *
   * Cost: the weights as float64 and the products of the linear maps stay in memory.
   * Throws PLAN_INVALID for a plan that this evaluator cannot run, naming the part; RESOURCE_LIMIT
   * where the system does not start the threads.
   */
  static async load(
    addon: NativeAddon,
    bytes: Uint8Array,
    { plaintextBytes, threads }: NativePlanOptions,
  ): Promise<NativePlan> {
    try {
      return new NativePlan(addon, await addon.loadPlan(bytes, plaintextBytes, threads));
    } catch (error) {
      throw nativeError(error);
    }
  }

  /**
   * Expand the evaluation keys of a client.
   *
   * Cost: every key of the plan in memory (`residentKeyBytes`). Throws KEYS_INVALID.
   */
  async openSession(keys: Uint8Array): Promise<NativeSession> {
    try {
      return new NativeSession(this.#addon, await this.#plan.openSession(keys));
    } catch (error) {
      throw nativeError(error);
    }
  }

  /** Sessions that are open keep what they need. */
  [Symbol.dispose](): void {
    this.#plan.dispose();
  }
}
