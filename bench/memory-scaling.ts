/** How the bandwidth of memory grows with threads: what limits evaluators that read keys from memory. */
import { once } from 'node:events';
import { readFileSync, readdirSync } from 'node:fs';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';

/** Larger than last-level caches, so that copies come from memory. */
const copyBytes = 2 ** 27;
const rounds = 5;

interface Round {
  readonly start: number;
  readonly end: number;
}

/** One thread that copies a block of its own whenever it is told to. */
class Copier {
  readonly #worker = new Worker(new URL(import.meta.url));

  /** When a copy began and ended, in milliseconds. */
  async run(): Promise<Round> {
    this.#worker.postMessage(null);
    const [times] = (await once(this.#worker, 'message')) as [Round];
    return times;
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }
}

/** Bytes a second that so many copiers move together: the best of some rounds. */
async function bandwidth(copiers: readonly Copier[]): Promise<number> {
  let best = 0;
  for (let round = 0; round < rounds; round++) {
    const times = await Promise.all(copiers.map((copier) => copier.run()));
    const start = Math.min(...times.map((time) => time.start));
    const end = Math.max(...times.map((time) => time.end));
    best = Math.max(best, (2 * copyBytes * copiers.length * 1000) / (end - start));
  }
  return best;
}

/** Times the bandwidth of one thread that so many threads have together. */
export async function memoryScaling(threads: number): Promise<number> {
  const copiers = Array.from({ length: threads }, () => new Copier());
  try {
    await Promise.all(copiers.map((copier) => copier.run()));
    const one = await bandwidth(copiers.slice(0, 1));
    return (await bandwidth(copiers)) / one;
  } finally {
    await Promise.all(copiers.map((copier) => copier.end()));
  }
}

/** Cores that are no hyperthreads of each other; null where the system does not tell. */
export function physicalCores(): number | null {
  const folder = '/sys/devices/system/cpu';
  try {
    const names = readdirSync(folder).filter((name) => /^cpu\d+$/.test(name));
    const siblings = names.map((name) =>
      readFileSync(`${folder}/${name}/topology/thread_siblings_list`, 'utf8'),
    );
    return new Set(siblings).size;
  } catch {
    return null;
  }
}

if (!isMainThread) {
  const from = Buffer.alloc(copyBytes, 1);
  const to = Buffer.alloc(copyBytes, 2);
  parentPort?.on('message', () => {
    const start = performance.timeOrigin + performance.now();
    from.copy(to);
    parentPort?.postMessage({ start, end: performance.timeOrigin + performance.now() });
  });
}
