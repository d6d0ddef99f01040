/** A plan that answers requests: ciphertexts in, ciphertexts out. It holds no secret and needs none. */
import type { PreparedProgram } from '../backend/execute/prepare-program.ts';
import { computePublicValues, executionValues } from '../backend/execute/public-values.ts';
import type { PublicTensors } from '../backend/execute/public-values.ts';
import type { Progress } from '../backend/execute/pacer.ts';
import { simulate } from '../backend/clear/simulate.ts';
import type { SimulateOptions, Simulation } from '../backend/clear/simulate.ts';
import { runClear } from '../backend/clear/run-clear.ts';
import type { ClearTensors, RunClearOptions } from '../backend/clear/run-clear.ts';
import { clientPlan } from '../backend/plan/client-plan.ts';
import { readPlan, readPlanFile } from '../backend/plan/read-plan.ts';
import type { LoadedPlan } from '../backend/plan/read-plan.ts';
import type { PlanRunner } from '../backend/plan-runner.ts';
import type { WorkingSet } from '../backend/seal/working-set.ts';
import { CipherloomError } from '../errors.ts';
import type { ClientPlan, ClientTensor, InputForm } from '../layout/client-plan.ts';
import {
  ciphertextBlobBytes,
  EvaluationKeys,
  keyRequests,
  memorySource,
  openCiphertextFile,
  readSealParameters,
  writeCiphertextFile,
} from '../seal/index.ts';
import type { ByteSource, CiphertextFile, CiphertextFileForm } from '../seal/index.ts';
import { openFileSource } from '../seal/file-source.ts';
import type { Backend, KeySource } from './choose-backend.ts';
import { hostPlan, preparing, readThreads } from './hosted-plan.ts';
import type { HostedPlan, HostOptions } from './hosted-plan.ts';

export type { Backend } from './choose-backend.ts';

export interface SessionProgress extends Progress {
  /** Program execution, from 0; one holds `batch` images. */
  readonly execution: number;
  readonly executions: number;
}

export interface SessionOptions extends Omit<HostOptions, 'backend'> {
  /**
   * `native` and `seal` work on ciphertexts, `clear` runs the same plan without encryption; `auto`,
   * the default, is native where its addon is there and can run the plan, else seal.
   */
  readonly backend?: 'auto' | Backend;
  /** The bundle of evaluation keys that the client made, or its path. Not needed by `clear`. */
  readonly evaluationKeys?: Uint8Array<ArrayBuffer> | string | ByteSource;
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

/** What a session on ciphertexts holds. */
interface Encrypted {
  readonly runner: PlanRunner;
  readonly memory: WorkingSet | null;
  /** Closes the key file that the session opened, and frees the plan where it is its own. */
  readonly close: () => Promise<void>;
}

interface Choice {
  readonly backend: Backend;
  readonly reason: string;
  readonly threads: number;
  readonly encrypted: Encrypted | null;
}

export class InferenceSession implements Disposable {
  readonly plan: LoadedPlan;
  readonly backend: Backend;
  /** Why it is this backend, in a clause. */
  readonly backendReason: string;
  /** Threads that share the work of a run. */
  readonly threads: number;
  readonly #client: ClientPlan;
  readonly #prepared: () => PreparedProgram;
  readonly #encrypted: Encrypted | null;
  readonly #onProgress: ((progress: SessionProgress) => void) | undefined;
  #queue: Promise<unknown> = Promise.resolve();
  #released = false;

  private constructor(
    plan: LoadedPlan,
    prepared: () => PreparedProgram,
    { backend, reason, threads, encrypted }: Choice,
    onProgress: ((progress: SessionProgress) => void) | undefined,
  ) {
    this.plan = plan;
    this.backend = backend;
    this.backendReason = reason;
    this.threads = threads;
    this.#client = clientPlan(plan, plan.hash);
    this.#prepared = prepared;
    this.#encrypted = encrypted;
    this.#onProgress = onProgress;
  }

  /**
   * Load a plan (the bytes of `model.loom`, or its path) and the evaluation keys.
   *
   * The security is recomputed from the parameters; a plan below its own target is refused unless it
   * is stamped insecure (`plan.facts.insecure`).
   *
   * Cost: the plan's weights and products; keys are read when they are first used.
   * Throws PLAN_INVALID, PARAMETERS_INSECURE, KEYS_INVALID, KEYS_MISMATCH, FILE_UNREADABLE;
   * USAGE for a number of threads that is none;
   * BACKEND_UNAVAILABLE when the backend asked for is not there or cannot run the plan;
   * RESOURCE_LIMIT when the plan's working set exceeds what SEAL's WebAssembly holds, or the system
   * does not start the threads.
   */
  static async create(
    plan: Uint8Array | string,
    options: SessionOptions = {},
  ): Promise<InferenceSession> {
    const bytes = typeof plan === 'string' ? await readPlanFile(plan) : plan;
    const loaded = readPlan(bytes);
    const prepared = preparing(loaded);
    const { backend = 'auto', evaluationKeys, onProgress, ...rest } = options;
    readThreads(options.threads);
    if (backend === 'clear') {
      const choice = { backend, reason: 'asked for', threads: 1, encrypted: null };
      return new InferenceSession(loaded, prepared, choice, onProgress);
    }
    if (evaluationKeys === undefined) {
      throw new CipherloomError('KEYS_INVALID', 'the session has no evaluation keys', {
        phase: 'server',
        hint: 'pass the bundle that Client.generateKeys() made as evaluationKeys',
      });
    }
    const host = await hostPlan(bytes, loaded, prepared, { ...rest, backend });
    try {
      return await InferenceSession.#open(host, evaluationKeys, {
        onProgress,
        close: () => {
          host[Symbol.dispose]();
        },
      });
    } catch (error) {
      host[Symbol.dispose]();
      throw error;
    }
  }

  /**
   * A session for one more client of a plan that is ready: plan and encoded constants are shared.
   * The plan must not be disposed before the session is released.
   *
   * Cost: the head of the keys; each is read when it is first used.
   * Throws KEYS_INVALID, KEYS_MISMATCH, FILE_UNREADABLE.
   */
  static open(
    host: HostedPlan,
    evaluationKeys: Uint8Array<ArrayBuffer> | string | ByteSource,
  ): Promise<InferenceSession> {
    return InferenceSession.#open(host, evaluationKeys, {});
  }

  static async #open(
    host: HostedPlan,
    evaluationKeys: Uint8Array<ArrayBuffer> | string | ByteSource,
    owner: { readonly onProgress?: SessionOptions['onProgress']; readonly close?: () => void },
  ): Promise<InferenceSession> {
    const { plan, client, prepared, chosen } = host;
    const { close, ...source } = await keySource(evaluationKeys);
    try {
      const parameters = readSealParameters(client.parameters);
      const keys = await EvaluationKeys.open(source.source, { planHash: plan.hash, parameters });
      keys.require(keyRequests(client.keys));
      const runner = chosen.open(keys, source);
      const encrypted = {
        runner,
        memory: chosen.memory,
        close: async () => {
          await close();
          owner.close?.();
        },
      };
      return new InferenceSession(plan, prepared, { ...chosen, encrypted }, owner.onProgress);
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

  /** How SEAL's memory is shared out; null for the other backends. */
  get memory(): WorkingSet | null {
    return this.#encrypted?.memory ?? null;
  }

  /**
   * Evaluate the plan on a ciphertext file, for as many executions as it holds.
   *
   * Requests run one after the other. Throws INPUT_INVALID for public tensors that do not fit;
   * CIPHERTEXT_INVALID, CIPHERTEXT_TRUNCATED, PLAN_MISMATCH before the evaluator sees a byte, but for
   * the checksum, which native evaluates beside: nothing is answered to a damaged file;
   * KEYS_INVALID for a damaged key; SEAL_FAILED when SEAL's WebAssembly broke (the next request starts
   * a new one); the signal's reason when aborted.
   */
  run(
    request: Uint8Array<ArrayBuffer>,
    options: RunOptions = {},
  ): Promise<Uint8Array<ArrayBuffer>> {
    return this.#enqueue(async () => {
      const encrypted = this.#requireEncrypted();
      const file = openCiphertextFile(request, this.#form('inputs'));
      if (this.backend !== 'native') {
        await file.check();
        return this.#run(encrypted, file, options);
      }
      // The file is hashed while other threads work on it; a damaged one ends the run.
      const damaged = new AbortController();
      const given = options.signal === undefined ? [] : [options.signal];
      const signal = AbortSignal.any([...given, damaged.signal]);
      const running = this.#run(encrypted, file, { ...options, signal });
      const checking = file.check().catch((error: unknown) => {
        damaged.abort(error);
        throw error;
      });
      const [answer, check] = await Promise.allSettled([running, checking]);
      if (check.status === 'rejected') throw check.reason;
      if (answer.status === 'rejected') throw answer.reason;
      return answer.value;
    });
  }

  /**
   * As `run`, for a file that was read already.
   *
   * ASSUME: `readCiphertextFile` read it, by the form of this plan's inputs.
   */
  runFile(file: CiphertextFile, options: RunOptions = {}): Promise<Uint8Array<ArrayBuffer>> {
    return this.#enqueue(() => this.#run(this.#requireEncrypted(), file, options));
  }

  async #run(
    { runner }: Encrypted,
    { images, executions }: CiphertextFile,
    options: RunOptions,
  ): Promise<Uint8Array<ArrayBuffer>> {
    const known = computePublicValues(this.plan.program, options.public ?? {}, images);
    const onProgress = options.onProgress ?? this.#onProgress;
    const results: (readonly Uint8Array[])[][] = [];
    for (const [execution, tensors] of executions.entries()) {
      const inputs = new Map(
        this.#client.inputs.map(({ name }, t) => [name, tensors[t] ?? []] as const),
      );
      const { batch } = this;
      const outputs = await runner.run(inputs, {
        publicValues: executionValues(known, execution * batch, batch),
        signal: options.signal,
        onProgress:
          onProgress &&
          ((progress) => {
            onProgress({ ...progress, execution, executions: executions.length });
          }),
      });
      results.push(this.#client.outputs.map(({ name }) => outputs.get(name) ?? []));
    }
    return writeCiphertextFile(this.#form('outputs'), images, results);
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
    return this.#enqueue(() => runClear(this.#prepared(), inputs, options));
  }

  /**
   * Run the plan in the clear with the errors that ciphertexts have, drawn from a seed, and count
   * what leaves its range. Shapes as `runClear`.
   */
  simulate(inputs: ClearTensors, options: SimulateOptions = {}): Promise<Simulation> {
    return this.#enqueue(() => simulate(this.#prepared(), inputs, options));
  }

  /** Free the evaluator's memory and close the key file, after the request that runs. */
  async release(): Promise<void> {
    if (this.#released) return;
    this.#released = true;
    await this.#queue;
    await this.#encrypted?.runner[Symbol.asyncDispose]();
    await this.#encrypted?.close();
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
    // SEAL's keys are valid one at a time, and memory is counted for one execution.
    const result = this.#queue.then(task);
    this.#queue = result.catch(() => undefined);
    return result;
  }

  #requireEncrypted(): Encrypted {
    if (this.#encrypted !== null) return this.#encrypted;
    throw new CipherloomError(
      'KEYS_INVALID',
      'a session of the clear backend takes no ciphertexts',
      {
        phase: 'server',
        hint: 'create the session with evaluationKeys and without a backend, or call runClear',
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
}

async function keySource(
  keys: Uint8Array<ArrayBuffer> | string | ByteSource,
): Promise<KeySource & { readonly close: () => Promise<void> }> {
  if (typeof keys === 'string') {
    const source = await openFileSource(keys);
    return { source, path: keys, close: () => Promise.resolve(source[Symbol.asyncDispose]()) };
  }
  const source = keys instanceof Uint8Array ? memorySource(keys) : keys;
  return { source, path: null, close: () => Promise.resolve() };
}
