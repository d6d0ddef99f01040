/**
 * What several threads have together of the machine, in multiples of what one has: of memory, which
 * evaluators read keys and constants from, and of processors, which virtual ones may share.
 */
import { createCipheriv } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, readdirSync } from 'node:fs';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';

/** Larger than last-level caches, so that copies come from memory. */
const copyBytes = 2 ** 27;
/** Stays in a first cache: its encryption waits for vector units alone. */
const cipherBytes = 2 ** 14;
const cipherRuns = 20_000;
const rounds = 5;

/** `memory`: copies of large blocks. `processor`: encryption of small ones. */
type Resource = 'memory' | 'processor';

interface Round {
  readonly start: number;
  readonly end: number;
}

/** One thread that uses a resource whenever it is told to. */
class User {
  readonly #worker: Worker;

  constructor(resource: Resource) {
    this.#worker = new Worker(new URL(import.meta.url), { workerData: resource });
  }

  /** When the work began and ended, in milliseconds. */
  async run(): Promise<Round> {
    this.#worker.postMessage(null);
    const [times] = (await once(this.#worker, 'message')) as [Round];
    return times;
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }
}

/** Shares of the work a second that so many do together: the best of some rounds. */
async function rate(users: readonly User[]): Promise<number> {
  let best = 0;
  for (let round = 0; round < rounds; round++) {
    const times = await Promise.all(users.map((user) => user.run()));
    const start = Math.min(...times.map((time) => time.start));
    const end = Math.max(...times.map((time) => time.end));
    best = Math.max(best, (users.length * 1000) / (end - start));
  }
  return best;
}

/** Times what one thread has that so many threads have together: now, since machines are shared. */
export async function threadScaling(resource: Resource, threads: number): Promise<number> {
  const users = Array.from({ length: threads }, () => new User(resource));
  try {
    await Promise.all(users.map((user) => user.run()));
    const one = await rate(users.slice(0, 1));
    return (await rate(users)) / one;
  } finally {
    await Promise.all(users.map((user) => user.end()));
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

/** The work of one round. */
function workOf(resource: Resource): () => void {
  if (resource === 'memory') {
    const from = Buffer.alloc(copyBytes, 1);
    const to = Buffer.alloc(copyBytes, 2);
    return () => {
      from.copy(to);
    };
  }
  const cipher = createCipheriv('aes-128-ctr', Buffer.alloc(16), Buffer.alloc(16));
  const block = Buffer.alloc(cipherBytes);
  return () => {
    for (let run = 0; run < cipherRuns; run++) cipher.update(block);
  };
}

if (!isMainThread) {
  const work = workOf(workerData as Resource);
  parentPort?.on('message', () => {
    const start = performance.timeOrigin + performance.now();
    work();
    parentPort?.postMessage({ start, end: performance.timeOrigin + performance.now() });
  });
}
