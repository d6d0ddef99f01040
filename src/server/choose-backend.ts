/** Which evaluator a session uses, and why. */
import { loadAddon } from '../backend/native/load-addon.ts';
import type { NativeMemory } from '../backend/native/native-memory.ts';
import { NativePlan } from '../backend/native/native-plan.ts';
import { NativeRunner, plaintextBytes } from '../backend/native/native-runner.ts';
import { plaintextBudget } from '../backend/native/plaintext-budget.ts';
import type { PreparedProgram } from '../backend/execute/prepare-program.ts';
import type { PlanRunner } from '../backend/plan-runner.ts';
import { SealRunner } from '../backend/seal/seal-runner.ts';
import { workingSet } from '../backend/seal/working-set.ts';
import type { WorkingSet } from '../backend/seal/working-set.ts';
import { CipherloomError } from '../errors.ts';
import type { ClientPlan } from '../layout/client-plan.ts';
import { keyRequests, residentKeyBytes } from '../seal/index.ts';
import type { ByteSource, EvaluationKeys } from '../seal/index.ts';

/** Evaluators of ciphertexts, and `clear`, which runs the same plan without encryption. */
export type Backend = 'native' | 'seal' | 'clear';

export interface BackendRequest {
  /** `auto` is native where it is there and can run the plan, else seal. */
  readonly backend: 'auto' | 'native' | 'seal';
  /** Bytes of `model.loom`. */
  readonly plan: Uint8Array;
  readonly client: ClientPlan;
  readonly maxKeyMemoryBytes: number;
  /** Of native; seal has one. */
  readonly threads: number;
  /** Of the native evaluator; null for no bound. */
  readonly maxMemoryBytes: number | null;
  /** Folder of expanded keys of the native evaluator; null for none. */
  readonly keyCacheFolder: string | null;
  /** Called for seal. */
  readonly prepare: () => PreparedProgram;
  /** Predicted for the native evaluator; called where memory is bounded. */
  readonly memory: () => NativeMemory;
}

/** A bundle of keys, and its path where it is a file. */
export interface KeySource {
  readonly source: ByteSource;
  readonly path: string | null;
}

/** A plan that is ready in an evaluator; runners keep what they need of it when it is disposed. */
export interface ChosenBackend extends Disposable {
  readonly backend: 'native' | 'seal';
  /** Why this one, in a clause. */
  readonly reason: string;
  /** Threads that share the work of a run. */
  readonly threads: number;
  /** How SEAL's memory is shared out; null for native. */
  readonly memory: WorkingSet | null;
  /** Make a runner for keys whose head was checked; they share the plan and its encoded constants. */
  open(keys: EvaluationKeys, source: KeySource): PlanRunner;
}

/** What going on with SEAL costs, where native would do. */
const slower = 'evaluation takes some 15 times as long';

/**
 * Choose the evaluator of a plan and make the plan ready in it.
 *
 * Throws BACKEND_UNAVAILABLE when the one asked for is not there or cannot run the plan, and
 * RESOURCE_LIMIT where keys or working set exceed what it may hold.
 */
export async function chooseBackend(request: BackendRequest): Promise<ChosenBackend> {
  if (request.backend === 'seal') return sealBackend(request, 'asked for');
  const native = await openNative(request);
  if (typeof native !== 'string') {
    const reason =
      request.backend === 'native' ? 'asked for' : 'the addon is there and runs this plan';
    return {
      backend: 'native',
      reason,
      threads: request.threads,
      memory: null,
      open: (keys, source) => {
        const { client, keyCacheFolder } = request;
        return new NativeRunner({ plan: native, client, keys, keyCacheFolder, ...source });
      },
      [Symbol.dispose]() {
        native[Symbol.dispose]();
      },
    };
  }
  if (request.backend === 'native') {
    throw new CipherloomError(
      'BACKEND_UNAVAILABLE',
      `the native evaluator cannot be used: ${native}`,
      {
        phase: 'server',
        details: { backend: 'native', reason: native },
        hint: 'npm run build:native (needs Rust), or use another backend: seal or auto',
      },
    );
  }
  return sealBackend(request, `${native}; ${slower}`);
}

async function sealBackend(request: BackendRequest, reason: string): Promise<ChosenBackend> {
  const { client } = request;
  const prepared = request.prepare();
  const memory = await workingSet(prepared, request.maxKeyMemoryBytes);
  return {
    backend: 'seal',
    reason,
    threads: 1,
    memory,
    open: (keys) => new SealRunner({ prepared, client, keys, memory }),
    [Symbol.dispose]() {
      // Each runner holds what it needs.
    },
  };
}

/** The plan in the native evaluator, or why it cannot be there. */
async function openNative(request: BackendRequest): Promise<NativePlan | string> {
  const { addon, reason } = loadAddon();
  if (addon === null) return reason;
  const { client, maxKeyMemoryBytes } = request;
  const { ringDegree, specialPrimes } = client.parameters;
  const keyBytes = keyRequests(client.keys).reduce(
    (sum, { primeCount }) => sum + residentKeyBytes(ringDegree, primeCount, specialPrimes.length),
    0,
  );
  if (keyBytes > maxKeyMemoryBytes) {
    return `it holds all ${keyBytes} bytes of keys, ${maxKeyMemoryBytes} are allowed`;
  }
  const { maxMemoryBytes, memory } = request;
  const keptBytes =
    maxMemoryBytes === null ? plaintextBytes : plaintextBudget(memory(), maxMemoryBytes);
  try {
    return await NativePlan.load(addon, request.plan, {
      plaintextBytes: keptBytes,
      threads: request.threads,
    });
  } catch (error) {
    if (error instanceof CipherloomError && error.code === 'PLAN_INVALID') {
      return `it cannot run this plan (${error.message})`;
    }
    throw error;
  }
}
