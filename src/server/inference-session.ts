/** A plan that answers requests: ciphertexts in, ciphertexts out. It holds no secret and needs none. */
import { prepareProgram } from '../backend/execute/prepare-program.ts';
import type { PreparedProgram } from '../backend/execute/prepare-program.ts';
import { computePublicValues, executionValues } from '../backend/execute/public-values.ts';
import type { PublicTensors } from '../backend/execute/public-values.ts';
import type { Progress } from '../backend/execute/pacer.ts';
import { execute } from '../backend/execute/execute.ts';
import { runClear } from '../backend/clear/run-clear.ts';
import type { ClearTensors, RunClearOptions } from '../backend/clear/run-clear.ts';
import { clientPlan } from '../backend/plan/client-plan.ts';
import { loadPlan, readPlan } from '../backend/plan/read-plan.ts';
import type { LoadedPlan } from '../backend/plan/read-plan.ts';
import { SealEngine } from '../backend/seal/seal-engine.ts';
import { workingSet } from '../backend/seal/working-set.ts';
import type { WorkingSet } from '../backend/seal/working-set.ts';
import { CipherloomError, InternalError } from '../errors.ts';
import type { ClientPlan, ClientTensor, InputForm } from '../layout/client-plan.ts';
import {
  ciphertextBlobBytes,
  EvaluationKeys,
  KeyLoader,
  keyRequests,
  loadSeal,
  memorySource,
  readCiphertextFile,
  readSealParameters,
  SealContexts,
  SealEvaluator,
  writeCiphertextFile,
} from '../seal/index.ts';
import type {
  ByteSource,
  CiphertextFileForm,
  SealCiphertext,
  SealParameters,
} from '../seal/index.ts';
import { openFileSource } from '../seal/file-source.ts';

export type Backend = 'seal' | 'clear';

export interface SessionProgress extends Progress {
  /** Program execution, from 0; one holds `batch` images. */
  readonly execution: number;
  readonly executions: number;
}

export interface SessionOptions {
  /** `seal` works on ciphertexts, `clear` runs the same plan without encryption. */
  readonly backend?: Backend;
  /** The bundle of evaluation keys that the client made, or its path. Needed by `seal`. */
  readonly evaluationKeys?: Uint8Array<ArrayBuffer> | string | ByteSource;
  /** Most bytes of expanded keys in memory at once; others are loaded again when needed. */
  readonly maxKeyMemoryBytes?: number;
  /** Called now and then while a request runs. */
  readonly onProgress?: (progress: SessionProgress) => void;
}

export interface RunOptions {
  /**
   * Tensors that this server knows in the clear, by the names of the plan's public inputs: one image
   * for all of the request, or one for each.
   */
  readonly public?: PublicTensors;
  /** Ends the run between two steps; `run` then rejects with its reason. */
  readonly signal?: AbortSignal;
  /** Takes the place of the session's. */
  readonly onProgress?: (progress: SessionProgress) => void;
}

/** What the `seal` backend holds besides WebAssembly objects. */
interface SealState {
  readonly parameters: SealParameters;
  readonly keys: EvaluationKeys;
  /** Closes the key file that the session opened. */
  readonly closeKeys: () => Promise<void>;
  readonly memory: WorkingSet;
}

/** WebAssembly objects of one instance of SEAL. */
interface OpenSeal extends Disposable {
  readonly contexts: SealContexts;
  readonly evaluator: SealEvaluator;
  readonly engine: SealEngine;
}

export class InferenceSession implements Disposable {
  readonly plan: LoadedPlan;
  readonly backend: Backend;
  readonly #client: ClientPlan;
  readonly #prepared: PreparedProgram;
  readonly #seal: SealState | null;
  readonly #onProgress: ((progress: SessionProgress) => void) | undefined;
  #open: OpenSeal | null = null;
  #queue: Promise<unknown> = Promise.resolve();
  #released = false;

  private constructor(
    plan: LoadedPlan,
    prepared: PreparedProgram,
    seal: SealState | null,
    onProgress: ((progress: SessionProgress) => void) | undefined,
  ) {
    this.plan = plan;
    this.backend = seal === null ? 'clear' : 'seal';
    this.#client = clientPlan(plan, plan.hash);
    this.#prepared = prepared;
    this.#seal = seal;
    this.#onProgress = onProgress;
  }

  /**
   * Load a plan (the bytes of `model.loom`, or its path) and the evaluation keys.
   *
   * The security is recomputed from the parameters; a plan below its own target is refused unless it
   * is stamped insecure (`plan.facts.insecure`).
   *
   * Cost: the plan's weights and products; keys are read when they are first used.
   * Throws PLAN_INVALID, PARAMETERS_INSECURE, KEYS_INVALID, KEYS_MISMATCH, FILE_UNREADABLE, and
   * RESOURCE_LIMIT when the plan's working set exceeds what SEAL's WebAssembly holds.
   */
  static async create(
    plan: Uint8Array | string,
    options: SessionOptions = {},
  ): Promise<InferenceSession> {
    const loaded = typeof plan === 'string' ? await loadPlan(plan) : readPlan(plan);
    const prepared = prepareProgram(loaded.program);
    if (options.backend === 'clear') {
      return new InferenceSession(loaded, prepared, null, options.onProgress);
    }
    if (options.evaluationKeys === undefined) {
      throw new CipherloomError('KEYS_INVALID', 'the session has no evaluation keys', {
        phase: 'server',
        hint: 'pass the bundle that Client.generateKeys() made as evaluationKeys',
      });
    }
    const parameters = readSealParameters(clientPlan(loaded, loaded.hash).parameters);
    const memory = await workingSet(prepared, options.maxKeyMemoryBytes);
    const { source, close } = await keySource(options.evaluationKeys);
    try {
      const keys = await EvaluationKeys.open(source, { planHash: loaded.hash, parameters });
      keys.require(keyRequests(prepared.keys));
      return new InferenceSession(
        loaded,
        prepared,
        { parameters, keys, closeKeys: close, memory },
        options.onProgress,
      );
    } catch (error) {
      await close();
      throw error;
    }
  }

  get inputNames(): readonly string[] {
    return this.#client.inputs.map(({ name }) => name);
  }

  /** Names, shapes and ranges of the tensors that `run` takes in the clear. */
  get publicInputs(): readonly InputForm[] {
    return this.#client.publicInputs ?? [];
  }

  get outputNames(): readonly string[] {
    return this.#client.outputs.map(({ name }) => name);
  }

  /** Images one execution of the program holds. */
  get batch(): number {
    return this.#client.batch;
  }

  /** How SEAL's memory is shared out; null for the clear backend. */
  get memory(): WorkingSet | null {
    return this.#seal?.memory ?? null;
  }

  /**
   * Evaluate the plan on a ciphertext file, for as many executions as it holds.
   *
   * Requests run one after the other. Throws INPUT_INVALID for public tensors that do not fit;
   * CIPHERTEXT_INVALID, CIPHERTEXT_TRUNCATED, PLAN_MISMATCH before WebAssembly sees a byte;
   * KEYS_INVALID for a damaged key; SEAL_FAILED when SEAL's WebAssembly broke (the next request starts
   * a new one); the signal's reason when aborted.
   */
  run(
    request: Uint8Array<ArrayBuffer>,
    options: RunOptions = {},
  ): Promise<Uint8Array<ArrayBuffer>> {
    return this.#enqueue(async () => {
      const seal = this.#requireSeal();
      const { images, executions } = await readCiphertextFile(request, this.#form('inputs'));
      const { program } = this.#prepared;
      const known = computePublicValues(program, options.public ?? {}, images);
      const { evaluator, engine } = await this.#openSeal(seal);
      const onProgress = options.onProgress ?? this.#onProgress;
      const results: (readonly Uint8Array[])[][] = [];
      for (const [execution, tensors] of executions.entries()) {
        const inputs = new Map(
          this.#client.inputs.map((input, t) => [
            input.name,
            (index: number): SealCiphertext =>
              evaluator.load(tensors[t]?.[index] ?? new Uint8Array(), {
                name: input.name,
                index,
                scale: input.scale,
                form: 'seeded',
                primeCount: input.level + 1,
              }),
          ]),
        );
        const { batch } = this;
        const outputs = await execute(this.#prepared, engine, inputs, {
          publicValues: executionValues(known, execution * batch, batch),
          signal: options.signal,
          onProgress:
            onProgress &&
            ((progress) => {
              onProgress({ ...progress, execution, executions: executions.length });
            }),
        });
        results.push(this.#save(evaluator, engine, outputs));
      }
      return writeCiphertextFile(this.#form('outputs'), images, results);
    });
  }

  /**
   * Run the plan in the clear: the path of the encrypted evaluation on slot vectors.
   *
   * Shapes: each input [images][elements]; outputs likewise, before the client's postprocessing.
   */
  runClear(
    inputs: ClearTensors,
    options: RunClearOptions = {},
  ): Promise<Map<string, Float64Array<ArrayBuffer>[]>> {
    return this.#enqueue(() => runClear(this.#prepared, inputs, options));
  }

  /** Free WebAssembly memory and close the key file, after the request that runs. */
  async release(): Promise<void> {
    if (this.#released) return;
    this.#released = true;
    await this.#queue;
    this.#close();
    await this.#seal?.closeKeys();
  }

  /** As `release`, without waiting. */
  [Symbol.dispose](): void {
    void this.release();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }

  async #enqueue<T>(task: () => Promise<T>): Promise<T> {
    if (this.#released) {
      throw new CipherloomError('USE_AFTER_DISPOSE', 'the session was released', {
        phase: 'server',
        hint: 'create another session',
      });
    }
    // The loader's keys are valid one at a time, and memory is counted for one execution.
    const result = this.#queue.then(task);
    this.#queue = result.catch(() => undefined);
    return result;
  }

  #requireSeal(): SealState {
    if (this.#seal !== null) return this.#seal;
    throw new CipherloomError(
      'KEYS_INVALID',
      'a session of the clear backend takes no ciphertexts',
      {
        phase: 'server',
        hint: "create the session with backend: 'seal' and evaluationKeys, or call runClear",
      },
    );
  }

  #form(kind: 'inputs' | 'outputs'): CiphertextFileForm {
    const { ringDegree } = this.#client.parameters;
    const tensors: readonly ClientTensor[] = this.#client[kind];
    return {
      kind,
      planHash: this.plan.hash,
      batch: this.#client.batch,
      tensors: tensors.map(({ name, layout, level }) => ({
        name,
        ciphertexts: layout.ciphertexts,
        blobBytes: ciphertextBlobBytes(
          ringDegree,
          level + 1,
          kind === 'inputs' ? 'seeded' : 'expanded',
        ),
      })),
    };
  }

  #save(
    evaluator: SealEvaluator,
    engine: SealEngine,
    outputs: ReadonlyMap<string, readonly SealCiphertext[]>,
  ): (readonly Uint8Array[])[] {
    try {
      return this.#client.outputs.map(({ name }) =>
        (outputs.get(name) ?? []).map((value, index) => {
          if (engine.isTransparent(value)) {
            throw new InternalError(
              `output "${name}"[${index}] is transparent: it does not depend on the input, and anyone could read it`,
              { phase: 'server' },
            );
          }
          return evaluator.save(value);
        }),
      );
    } finally {
      for (const values of outputs.values()) for (const value of values) value.dispose();
    }
  }

  /** The objects in WebAssembly; made again when a trap ended their instance. */
  async #openSeal({ parameters, keys, memory }: SealState): Promise<OpenSeal> {
    const instance = await loadSeal();
    if (this.#open !== null && this.#open.contexts.instance !== instance) this.#close();
    if (this.#open === null) {
      const contexts = new SealContexts(instance, parameters);
      const topPrimes = this.#prepared.forms.reduce(
        (most, { level }) => Math.max(most, level + 1),
        1,
      );
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

async function keySource(
  keys: Uint8Array<ArrayBuffer> | string | ByteSource,
): Promise<{ readonly source: ByteSource; readonly close: () => Promise<void> }> {
  if (typeof keys === 'string') {
    const source = await openFileSource(keys);
    return { source, close: () => Promise.resolve(source[Symbol.asyncDispose]()) };
  }
  const source = keys instanceof Uint8Array ? memorySource(keys) : keys;
  return { source, close: () => Promise.resolve() };
}
