/** A plan that is ready in an evaluator, for the keys of any number of clients. */
import { availableParallelism } from 'node:os';
import { prepareProgram } from '../backend/execute/prepare-program.ts';
import type { PreparedProgram } from '../backend/execute/prepare-program.ts';
import { nativeMemory } from '../backend/native/native-memory.ts';
import type { NativeMemory } from '../backend/native/native-memory.ts';
import { clientPlan } from '../backend/plan/client-plan.ts';
import { readPlan } from '../backend/plan/read-plan.ts';
import type { LoadedPlan } from '../backend/plan/read-plan.ts';
import { CipherloomError } from '../errors.ts';
import type { ClientPlan } from '../layout/client-plan.ts';
import { chooseBackend } from './choose-backend.ts';
import type { ChosenBackend } from './choose-backend.ts';

/** The native evaluator starts no more. */
const maxThreads = 1024;

export interface HostOptions {
  /** `auto`, the default, is native where its addon is there and can run the plan, else seal. */
  readonly backend?: 'auto' | 'native' | 'seal';
  /**
   * Most bytes of expanded keys in memory at once. Seal loads others again when they are needed;
   * native holds all keys or is not used.
   */
  readonly maxKeyMemoryBytes?: number;
  /**
   * Threads of the native evaluator, from 1 to 1024; as many as the machine runs at once if left out.
   * Results have the same bytes for any number. Seal and clear have one, whatever is asked for.
   */
  readonly threads?: number;
  /**
   * Most bytes that native takes for plan, keys and one execution on one thread, as predicted: what is
   * left keeps encoded constants from one run to the next. Seal shares out its WebAssembly's memory.
   */
  readonly maxMemoryBytes?: number;
  /**
   * Folder in which native keeps a file of expanded keys for each bundle: sessions and processes share
   * its memory, and the next one need not expand them. Who can write there can make results wrong.
   */
  readonly keyCacheFolder?: string;
}

export interface HostedPlan extends Disposable {
  readonly plan: LoadedPlan;
  readonly client: ClientPlan;
  /** Computed when it is first asked for. */
  readonly prepared: () => PreparedProgram;
  readonly chosen: ChosenBackend;
}

/**
 * Make a plan ready; sessions that are open keep what they need of it when it is disposed.
 *
 * Throws USAGE, BACKEND_UNAVAILABLE, RESOURCE_LIMIT as `InferenceSession.create`.
 */
export async function hostPlan(
  bytes: Uint8Array,
  plan: LoadedPlan = readPlan(bytes),
  prepared: () => PreparedProgram = preparing(plan),
  options: HostOptions = {},
  memory: () => NativeMemory = () => nativeMemory(prepared()),
): Promise<HostedPlan> {
  const client = clientPlan(plan, plan.hash);
  const chosen = await chooseBackend({
    backend: options.backend ?? 'auto',
    plan: bytes,
    client,
    maxKeyMemoryBytes: options.maxKeyMemoryBytes ?? Infinity,
    threads: readThreads(options.threads),
    maxMemoryBytes: options.maxMemoryBytes ?? null,
    keyCacheFolder: options.keyCacheFolder ?? null,
    prepare: prepared,
    memory,
  });
  return {
    plan,
    client,
    prepared,
    chosen,
    [Symbol.dispose]() {
      chosen[Symbol.dispose]();
    },
  };
}

/** A function that prepares the plan's program when it is first called. */
export function preparing({ program }: LoadedPlan): () => PreparedProgram {
  let prepared: PreparedProgram | null = null;
  return () => (prepared ??= prepareProgram(program));
}

/** What was asked for, or as many as this machine runs at once. Throws USAGE. */
export function readThreads(asked: number | undefined): number {
  if (asked === undefined) return Math.min(availableParallelism(), maxThreads);
  if (Number.isInteger(asked) && asked >= 1 && asked <= maxThreads) return asked;
  throw new CipherloomError('USAGE', `threads is ${asked}, not from 1 to ${maxThreads}`, {
    phase: 'server',
    details: { threads: asked, least: 1, most: maxThreads },
    hint: 'leave threads out to use what the machine has',
  });
}
