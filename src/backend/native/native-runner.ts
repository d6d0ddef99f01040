/** Runs a plan with the native evaluator. */
import { totalmem } from 'node:os';
import type { ClientPlan } from '../../layout/client-plan.ts';
import { nativeKeptBytes } from '../../passes/cost/kept-bytes.ts';
import type { ByteSource, EvaluationKeys } from '../../seal/index.ts';
import type { ExecuteOptions } from '../execute/execute.ts';
import type { CiphertextBlobs, PlanRunner } from '../plan-runner.ts';
import { abortable } from './abortable.ts';
import { explainRefusal } from './explain-refusal.ts';
import type { NativePlan } from './native-plan.ts';
import type { NativeSession } from './native-session.ts';

/** Encoded constants that a session keeps: what plans are chosen for, at most half of the machine. */
export const plaintextBytes = Math.min(nativeKeptBytes, totalmem() / 2);

export interface NativeRunnerOptions {
  /** It stays the caller's; a session that is open keeps what it needs of it. */
  readonly plan: NativePlan;
  readonly client: ClientPlan;
  /** Head of the keys, for what is said of damaged ones. */
  readonly keys: EvaluationKeys;
  /** All of the keys; it stays the caller's. */
  readonly source: ByteSource;
  /** Where they are, if that is a file: each is then read where it is first used. */
  readonly path: string | null;
  /** Folder of expanded keys that sessions and processes share; null for none. */
  readonly keyCacheFolder: string | null;
}

export class NativeRunner implements PlanRunner {
  readonly #options: NativeRunnerOptions;
  #session: Promise<NativeSession> | null = null;

  constructor(options: NativeRunnerOptions) {
    this.#options = options;
  }

  async run(inputs: CiphertextBlobs, options: ExecuteOptions): Promise<CiphertextBlobs> {
    try {
      const session = await abortable(this.#openSession(), options.signal);
      return await session.run(inputs, options);
    } catch (error) {
      throw await explainRefusal(error, { ...this.#options, inputs });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const session = await this.#session?.catch(() => null);
    session?.[Symbol.dispose]();
  }

  /** The opened keys; a run that was aborted meanwhile leaves them to the next. */
  #openSession(): Promise<NativeSession> {
    if (this.#session === null) {
      const opening = this.#openKeys();
      this.#session = opening;
      opening.catch(() => {
        this.#session = null;
      });
    }
    return this.#session;
  }

  async #openKeys(): Promise<NativeSession> {
    const { plan, source, path, keyCacheFolder } = this.#options;
    return plan.openSession(path ?? (await source.read(0, source.byteLength)), keyCacheFolder);
  }
}
