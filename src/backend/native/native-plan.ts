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
   * Open the evaluation keys of a client: their bytes, or the path of the bundle.
   *
   * Cost: the head of the bundle. Each key is expanded where a run first uses it; with a folder, all are
   * at once where it has no file of them yet, and mapped from that file. Bytes that are given stay
   * until all are expanded. Throws KEYS_INVALID; FILE_UNWRITABLE for the folder.
   */
  async openSession(
    keys: Uint8Array | string,
    keyCacheFolder: string | null,
  ): Promise<NativeSession> {
    try {
      const opened = this.#plan.openSession(
        keys,
        ...(keyCacheFolder === null ? [] : [keyCacheFolder]),
      );
      return new NativeSession(this.#addon, await opened);
    } catch (error) {
      throw nativeError(error);
    }
  }

  /** Sessions that are open keep what they need. */
  [Symbol.dispose](): void {
    this.#plan.dispose();
  }
}
