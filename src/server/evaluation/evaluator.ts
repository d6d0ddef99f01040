/** Plans that are ready, and one session for each client's keys, within a bound on memory. */
import { prepareProgram } from '../../backend/execute/prepare-program.ts';
import { leastBytes } from '../../backend/native/native-memory.ts';
import { CipherloomError } from '../../errors.ts';
import type { CiphertextFile } from '../../seal/index.ts';
import { hostPlan } from '../hosted-plan.ts';
import type { HostedPlan } from '../hosted-plan.ts';
import { InferenceSession } from '../inference-session.ts';
import type { RunOptions } from '../inference-session.ts';
import type { ServedModel } from '../models/served-model.ts';

export interface EvaluatorOptions {
  readonly backend: 'auto' | 'native' | 'seal';
  readonly threads?: number | undefined;
  /** Most bytes of plans, keys and runs together, as predicted; null for no bound. */
  readonly maxMemoryBytes: number | null;
  /** Folder of expanded keys that sessions map; null for none. */
  readonly keyCacheFolder: string | null;
}

/** The keys of one client, in a file that stays until they are forgotten. */
export interface ClientKeys {
  readonly tenant: string;
  /** SHA-256 of the bundle, hex. */
  readonly id: string;
  readonly file: string;
}

interface Entry {
  readonly session: Promise<InferenceSession>;
  readonly bytes: number;
  /** Runs that use it or are about to. */
  users: number;
}

/**
 * Node itself, libraries and what the allocator keeps, of a server that has had keys and requests, in
 * bytes: what `lola` (2 MB of plan and requests) was measured to hold under load beyond the rest.
 */
const serverBytes = 2 ** 28;
/** Copies of a plan's file in JavaScript: itself, its weights as float64, and some that are collected late. */
const planCopies = 8;

/** A plan that is loaded, in bytes. */
function loadedBytes({ memory, planBytes }: ServedModel): number {
  return memory.planBytes + planCopies * planBytes.length;
}

/** What a run of a model adds to what is held, in bytes: values, and copies of the request. */
export function runBytes({ memory }: ServedModel): number {
  return memory.workingBytes + memory.requestBytes;
}

export class Evaluator implements AsyncDisposable {
  readonly #hosts: ReadonlyMap<string, HostedPlan>;
  readonly #maxBytes: number;
  /** Bytes of the plans with what they keep. */
  readonly #planBytes: number;
  /** The least recently used one first. */
  readonly #entries = new Map<string, Entry>();
  #runBytes = 0;

  private constructor(hosts: ReadonlyMap<string, HostedPlan>, maxBytes: number, planBytes: number) {
    this.#hosts = hosts;
    this.#maxBytes = maxBytes;
    this.#planBytes = planBytes;
  }

  /**
   * Load the plans.
   *
   * What memory is left beside the largest run and its keys keeps encoded constants, shared out evenly.
   * Throws RESOURCE_LIMIT where a model could never run; as `InferenceSession.create` otherwise.
   */
  static async create(
    models: Iterable<ServedModel>,
    options: EvaluatorOptions,
  ): Promise<Evaluator> {
    // A plan that is served under two names is held once.
    const all = [...new Map([...models].map((model) => [model.planHash, model])).values()];
    const { maxMemoryBytes } = options;
    const plans = all.reduce((sum, model) => sum + loadedBytes(model), 0);
    const run = Math.max(0, ...all.map((model) => runBytes(model) + model.memory.keyBytes));
    const processBytes = serverBytes + Math.max(0, ...all.map(({ memory }) => memory.processBytes));
    const least = plans + run + processBytes;
    if (maxMemoryBytes !== null && least > maxMemoryBytes) {
      throw new CipherloomError(
        'RESOURCE_LIMIT',
        `one request takes ${least} bytes with plans (${plans}) and keys, ${maxMemoryBytes} are allowed`,
        {
          phase: 'server',
          details: { least, maxMemoryBytes, planBytes: plans },
          hint: `allow ${Math.ceil((4 / 3) * least)} bytes (--max-memory-bytes), requests included, or serve fewer models`,
        },
      );
    }
    // Half of what is left keeps the keys of more clients ready.
    const spare = maxMemoryBytes === null ? Infinity : (maxMemoryBytes - least) / 2 / all.length;
    const hosts = new Map<string, HostedPlan>();
    let kept = 0;
    try {
      for (const model of all) {
        const { backend, threads, keyCacheFolder } = options;
        const constants = Math.min(spare, model.memory.plaintextBytes);
        kept += constants;
        hosts.set(
          model.planHash,
          // Prepared anew where it is needed: the products of a large plan would lie in memory twice.
          await hostPlan(
            model.planBytes,
            model.plan,
            () => prepareProgram(model.plan.program),
            {
              backend,
              ...(keyCacheFolder === null ? {} : { keyCacheFolder }),
              ...(threads === undefined ? {} : { threads }),
              ...(maxMemoryBytes === null
                ? {}
                : { maxMemoryBytes: Math.floor(leastBytes(model.memory) + constants) }),
            },
            () => model.memory,
          ),
        );
      }
    } catch (error) {
      for (const host of hosts.values()) host[Symbol.dispose]();
      throw error;
    }
    return new Evaluator(hosts, maxMemoryBytes ?? Infinity, plans + kept + processBytes);
  }

  /** What is predicted to be held now, in bytes. */
  get heldBytes(): number {
    let keys = 0;
    for (const { bytes } of this.#entries.values()) keys += bytes;
    return this.#planBytes + keys + this.#runBytes;
  }

  /** Clients whose keys are ready. */
  get sessions(): number {
    return this.#entries.size;
  }

  /** Which evaluator runs a plan. */
  backendOf(planHash: string): 'native' | 'seal' {
    return this.#host(planHash).chosen.backend;
  }

  /** Whether a run fits beside those that run now, once idle sessions make room. */
  fits(model: ServedModel, keys: Pick<ClientKeys, 'tenant' | 'id'>): boolean {
    const name = entryName(model, keys);
    let busy = this.#entries.has(name) ? 0 : model.memory.keyBytes;
    for (const [other, { users, bytes }] of this.#entries) {
      if (users > 0 || other === name) busy += bytes;
    }
    return this.#planBytes + this.#runBytes + busy + runBytes(model) <= this.#maxBytes;
  }

  /** Evaluate one request. ASSUME: it fits. Throws as `InferenceSession.open` and `run`. */
  async run(
    model: ServedModel,
    keys: ClientKeys,
    request: Uint8Array<ArrayBuffer> | CiphertextFile,
    options: RunOptions,
  ): Promise<Uint8Array<ArrayBuffer>> {
    const name = entryName(model, keys);
    const entry = this.#entry(name, model, keys);
    const bytes = runBytes(model);
    entry.users += 1;
    this.#runBytes += bytes;
    try {
      const session = await entry.session;
      return request instanceof Uint8Array
        ? await session.run(request, options)
        : await session.runFile(request, options);
    } finally {
      entry.users -= 1;
      this.#runBytes -= bytes;
      if (this.#entries.get(name) !== entry && entry.users === 0) await release(entry);
    }
  }

  /** Close the sessions of keys that are no longer there, those that run after their run. */
  async forget(tenant: string, id: string): Promise<void> {
    for (const [name, entry] of this.#entries) {
      if (!name.endsWith(`/${tenant}/${id}`)) continue;
      this.#entries.delete(name);
      if (entry.users === 0) await release(entry);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const entries = [...this.#entries.values()];
    this.#entries.clear();
    await Promise.all(entries.map(release));
    for (const host of this.#hosts.values()) host[Symbol.dispose]();
  }

  #entry(name: string, model: ServedModel, keys: ClientKeys): Entry {
    const found = this.#entries.get(name);
    if (found !== undefined) {
      this.#entries.delete(name);
      this.#entries.set(name, found);
      return found;
    }
    this.#makeRoom(model.memory.keyBytes + runBytes(model));
    const session = InferenceSession.open(this.#host(model.planHash), keys.file);
    const entry = { session, bytes: model.memory.keyBytes, users: 0 };
    this.#entries.set(name, entry);
    session.catch(() => {
      if (this.#entries.get(name) === entry) this.#entries.delete(name);
    });
    return entry;
  }

  /** Close idle sessions, the least recently used one first. */
  #makeRoom(bytes: number): void {
    for (const [name, entry] of this.#entries) {
      if (this.heldBytes + bytes <= this.#maxBytes) return;
      if (entry.users > 0) continue;
      this.#entries.delete(name);
      void release(entry);
    }
  }

  #host(planHash: string): HostedPlan {
    const host = this.#hosts.get(planHash);
    if (host !== undefined) return host;
    throw new CipherloomError('NOT_FOUND', 'no such plan', {
      phase: 'server',
      details: { planHash },
      hint: 'start server and workers with the same plan folders',
    });
  }
}

function entryName(
  { planHash }: ServedModel,
  { tenant, id }: Pick<ClientKeys, 'tenant' | 'id'>,
): string {
  return `${planHash}/${tenant}/${id}`;
}

async function release({ session }: Entry): Promise<void> {
  const opened = await session.catch(() => null);
  await opened?.release();
}
