/** Mutated files through a process of its own, watched from outside. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import type { Job, Report } from './messages.ts';

export interface FuzzRequest {
  readonly count: number;
  readonly seed: number;
  /** Number of the first file; 0 where absent. */
  readonly first?: number;
  /** Every so many files the whole of `inspect` is run; the others end before the passes. */
  readonly wholeEvery?: number;
  /** Module with the function that gets a file; `inspect` where absent. */
  readonly target?: URL;
  /** In the place of the limits of every file. */
  readonly limits?: Limits;
  readonly onProgress?: (done: number) => void;
}

/** A file that did what none may. */
export interface Failure {
  readonly number: number;
  readonly origin: string;
  readonly fault: string;
}

export interface FuzzResult {
  readonly count: number;
  readonly corpusFiles: number;
  /** How often each outcome occurred. */
  readonly results: Readonly<Record<string, number>>;
  readonly failures: readonly Failure[];
  readonly slowestMs: number;
  /** Largest growth of the process while it ran a file, in bytes; garbage of earlier files included. */
  readonly largestGrowth: number;
}

export interface Limits {
  /** Processor time: the machine may be busy with other things. */
  readonly cpuMs: number;
  /** Memory beside twice the file. */
  readonly bytes: number;
}

/** Of every file, whether it is read or goes through the whole of `inspect`. */
const fileLimits: Limits = { cpuMs: 5_000, bytes: 256 * 2 ** 20 };
/** Time after which a process that says nothing is ended, in processor times. */
const patience = 4;

type Done = Extract<Report, { readonly kind: 'done' }>;

/**
 * Run mutants `first` … `first + count − 1` of a seed.
 *
 * A file fails when it ends in anything but an answer or the refusal of a bad file, or takes more
 * than its limits: 5 s of processor time, and twice its size and 256 MB.
 * Time and memory are confirmed in a fresh process, so that garbage of earlier files counts for
 * nobody.
 */
export async function fuzzOnnx(request: FuzzRequest): Promise<FuzzResult> {
  const { count, seed, first = 0, wholeEvery = 0 } = request;
  const target = request.target ?? new URL('./examine-target.ts', import.meta.url);
  const results: Record<string, number> = {};
  const failures: Failure[] = [];
  let slowestMs = 0;
  let largestGrowth = 0;
  let runner = await startRunner(target);
  const restart = async (): Promise<void> => {
    await runner.end();
    runner = await startRunner(target);
  };
  try {
    for (let number = first; number < first + count; number++) {
      const job = { seed, number, whole: wholeEvery > 0 && number % wholeEvery === 0 };
      const limits = request.limits ?? fileLimits;
      const wallMs = Math.max(60_000, patience * limits.cpuMs);
      let done = await runner.run(job, wallMs);
      if (done === null || excess(done, limits) !== null) {
        await restart();
        done = await runner.run(job, wallMs);
      }
      const fault =
        done === null
          ? 'the process ended or did not answer'
          : (done.fault ?? excess(done, limits));
      if (fault !== null) {
        failures.push({ number, origin: done?.origin ?? 'unknown', fault });
        await restart();
      }
      const result = done?.result ?? 'lost';
      results[result] = (results[result] ?? 0) + 1;
      slowestMs = Math.max(slowestMs, done?.cpuMs ?? wallMs);
      largestGrowth = Math.max(largestGrowth, done === null ? 0 : done.peak - done.baseline);
      request.onProgress?.(number - first + 1);
    }
    const { files: corpusFiles } = runner;
    return { count, corpusFiles, results, failures, slowestMs, largestGrowth };
  } finally {
    await runner.end();
  }
}

/** What a file took too much of, or null. */
function excess({ cpuMs, peak, baseline, size }: Done, limits: Limits): string | null {
  if (cpuMs > limits.cpuMs) return `it took ${Math.round(cpuMs)} ms`;
  const growth = peak - baseline;
  if (growth > 2 * size + limits.bytes) return `it took ${Math.round(growth / 2 ** 20)} MiB`;
  return null;
}

/** Loading the compiler and the corpus on a busy machine. */
const startMs = 120_000;

interface Runner {
  readonly files: number;
  /** Null where the process ended or had to be ended. */
  run(job: Job, wallMs: number): Promise<Done | null>;
  end(): Promise<void>;
}

async function startRunner(target: URL): Promise<Runner> {
  const child = fork(path.join(import.meta.dirname, 'worker.ts'), [target.href], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    execArgv: [],
  });
  const ready = await answer(child, startMs);
  if (ready?.kind !== 'ready') throw new Error('the process with the target did not start');
  return {
    files: ready.files,
    async run(job, wallMs) {
      if (child.exitCode !== null || child.signalCode !== null) return null;
      child.send(job);
      const report = await answer(child, wallMs);
      return report?.kind === 'done' ? report : null;
    },
    async end() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}

/** The next message; null where the process ends, or is ended because there is none. */
function answer(child: ChildProcess, wallMs: number): Promise<Report | null> {
  return new Promise((resolve) => {
    const settle = (report: Report | null): void => {
      clearTimeout(timer);
      child.off('message', onMessage);
      child.off('exit', onExit);
      resolve(report);
    };
    const onMessage = (message: unknown): void => {
      settle(message as Report);
    };
    const onExit = (): void => {
      settle(null);
    };
    const timer = setTimeout(() => child.kill('SIGKILL'), wallMs);
    child.on('message', onMessage);
    child.on('exit', onExit);
  });
}
