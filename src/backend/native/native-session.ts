/** A plan with the keys of one client in the memory of the native evaluator. */
import type { ExecuteOptions } from '../execute/execute.ts';
import type { CiphertextBlobs } from '../plan-runner.ts';
import type { AddonControl, AddonSession, NativeAddon } from './addon.ts';
import { nativeError } from './native-error.ts';

/** Time between two reports of progress, in milliseconds; the addon makes them as often. */
const reportEveryMs = 50;

export class NativeSession implements Disposable {
  readonly #addon: NativeAddon;
  readonly #session: AddonSession;

  constructor(addon: NativeAddon, session: AddonSession) {
    this.#addon = addon;
    this.#session = session;
  }

  /**
   * Run the program once, outside of JavaScript's thread.
   *
   * An aborted run ends with its current operation on one ciphertext. Throws CIPHERTEXT_INVALID,
   * INPUT_INVALID for a public value that is missing, the signal's reason, and what `onProgress`
   * throws.
   */
  async run(
    inputs: CiphertextBlobs,
    { publicValues, signal, onProgress }: ExecuteOptions,
  ): Promise<CiphertextBlobs> {
    signal?.throwIfAborted();
    const control = new this.#addon.RunControl();
    const cancel = (): void => {
      control.cancel();
    };
    signal?.addEventListener('abort', cancel);
    const watch = onProgress && watchRun(control, onProgress);
    try {
      const outputs = await this.#session.run(
        Object.fromEntries(inputs),
        Object.fromEntries(publicValues ?? []),
        control,
      );
      watch?.end();
      onProgress?.({ done: control.total, total: control.total, node: null });
      return new Map(Object.entries(outputs));
    } catch (error) {
      watch?.end();
      signal?.throwIfAborted();
      throw nativeError(error);
    } finally {
      watch?.[Symbol.dispose]();
      signal?.removeEventListener('abort', cancel);
    }
  }

  [Symbol.dispose](): void {
    this.#session.dispose();
  }
}

interface RunWatch extends Disposable {
  /** No report follows. Throws what a report threw. */
  end(): void;
}

/** Pass the progress of a run on; a report that throws stops the run. */
function watchRun(
  control: AddonControl,
  onProgress: NonNullable<ExecuteOptions['onProgress']>,
): RunWatch {
  let failure: { readonly error: unknown } | null = null;
  const timer = setInterval(() => {
    const { done, total, node } = control;
    if (failure !== null || total === 0) return;
    try {
      onProgress({ done, total, node });
    } catch (error) {
      failure = { error };
      control.cancel();
    }
  }, reportEveryMs);
  return {
    end() {
      clearInterval(timer);
      if (failure !== null) throw failure.error;
    },
    [Symbol.dispose]() {
      clearInterval(timer);
    },
  };
}
