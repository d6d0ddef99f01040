/** Runs a plan with SEAL's WebAssembly. */
import { InternalError } from '../../errors.ts';
import type { ClientPlan } from '../../layout/client-plan.ts';
import { KeyLoader, loadSeal, SealContexts, SealEvaluator } from '../../seal/index.ts';
import type { EvaluationKeys, SealCiphertext } from '../../seal/index.ts';
import { execute } from '../execute/execute.ts';
import type { ExecuteOptions } from '../execute/execute.ts';
import type { PreparedProgram } from '../execute/prepare-program.ts';
import type { CiphertextBlobs, PlanRunner } from '../plan-runner.ts';
import { SealEngine } from './seal-engine.ts';
import type { WorkingSet } from './working-set.ts';

/** WebAssembly objects of one instance of SEAL. */
interface OpenSeal extends Disposable {
  readonly contexts: SealContexts;
  readonly evaluator: SealEvaluator;
  readonly engine: SealEngine;
}

export interface SealRunnerOptions {
  readonly prepared: PreparedProgram;
  readonly client: ClientPlan;
  /** They stay the caller's. */
  readonly keys: EvaluationKeys;
  readonly memory: WorkingSet;
}

export class SealRunner implements PlanRunner {
  readonly #options: SealRunnerOptions;
  #open: OpenSeal | null = null;

  constructor(options: SealRunnerOptions) {
    this.#options = options;
  }

  async run(inputs: CiphertextBlobs, options: ExecuteOptions): Promise<CiphertextBlobs> {
    const { prepared, client } = this.#options;
    const { evaluator, engine } = await this.#openSeal();
    const sources = new Map(
      client.inputs.map(({ name, scale, level }) => [
        name,
        (index: number): SealCiphertext =>
          evaluator.load(inputs.get(name)?.[index] ?? new Uint8Array(), {
            name,
            index,
            scale,
            form: 'seeded',
            primeCount: level + 1,
          }),
      ]),
    );
    const outputs = await execute(prepared, engine, sources, options);
    try {
      return new Map(
        client.outputs.map(({ name }) => [
          name,
          (outputs.get(name) ?? []).map((value, index) => {
            if (engine.isTransparent(value)) {
              throw new InternalError(
                `output "${name}"[${index}] is transparent: it does not depend on the input, and anyone could read it`,
                { phase: 'server' },
              );
            }
            return evaluator.save(value);
          }),
        ]),
      );
    } finally {
      for (const values of outputs.values()) for (const value of values) value.dispose();
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#close();
    return Promise.resolve();
  }

  /** The objects in WebAssembly; made again when a trap ended their instance. */
  async #openSeal(): Promise<OpenSeal> {
    const { prepared, keys, memory } = this.#options;
    const instance = await loadSeal();
    if (this.#open !== null && this.#open.contexts.instance !== instance) this.#close();
    if (this.#open === null) {
      const contexts = new SealContexts(instance, keys.binding.parameters);
      const topPrimes = prepared.forms.reduce((most, { level }) => Math.max(most, level + 1), 1);
      const evaluator = new SealEvaluator(contexts, topPrimes);
      const loader = new KeyLoader(contexts, keys, { capBytes: memory.keyCapBytes });
      const engine = new SealEngine(evaluator, loader, {
        plaintextCacheBytes: memory.plaintextCapBytes,
      });
      this.#open = {
        contexts,
        evaluator,
        engine,
        [Symbol.dispose]() {
          engine[Symbol.dispose]();
          loader[Symbol.dispose]();
          evaluator[Symbol.dispose]();
          contexts[Symbol.dispose]();
        },
      };
    }
    return this.#open;
  }

  #close(): void {
    this.#open?.[Symbol.dispose]();
    this.#open = null;
  }
}
