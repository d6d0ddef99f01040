/** What the queue promises on a real NATS server, with an evaluation that is arithmetic. */
import { createHash, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from '@nats-io/transport-node';
import { jetstreamManager } from '@nats-io/jetstream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Client } from '../../src/client/index.ts';
import { CipherloomError } from '../../src/errors.ts';
import { KeyStore } from '../../src/server/keys/key-store.ts';
import { loadModels } from '../../src/server/models/served-model.ts';
import type { ServedModel } from '../../src/server/models/served-model.ts';
import type { EvaluationJob, JobQueue } from '../../src/server/queue/job-queue.ts';
import { NatsQueue } from '../../src/server/queue/nats/nats-queue.ts';
import { NatsWorker } from '../../src/server/queue/nats/nats-worker.ts';
import { doublingQueue } from './support/doubling-queue.ts';
import { startNatsServer } from './support/nats-server.ts';
import type { NatsServer } from './support/nats-server.ts';
import { writeSmallModel } from './support/small-models.ts';

const retention = { jobMs: 60_000, keysMs: 60_000, replicas: 1 };

let folder = '';
let nats: NatsServer;
let models: ReadonlyMap<string, ServedModel>;
let model: ServedModel;
let keyFile = '';
let keys = '';

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'cipherloom-queue-'));
  nats = await startNatsServer();
  const plan = await writeSmallModel('linear', folder);
  models = await loadModels([{ name: null, folder: plan }], { insecure: false });
  model = models.get('linear')!;
  using client = Client.load(model.client);
  const bytes = await (await client.generateKeys()).evaluationKeys.bytes();
  keys = createHash('sha256').update(bytes).digest('hex');
  keyFile = join(folder, 'evaluation.keys');
  writeFileSync(keyFile, bytes);
});

afterAll(async () => {
  await nats[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

async function server(options: Partial<Parameters<typeof NatsQueue.open>[0]> = {}) {
  const queue = await NatsQueue.open({
    url: nats.url,
    name: 'server',
    graceMs: 50,
    onWarning: () => undefined,
    ...retention,
    ...options,
  });
  await queue.publishKeys('local', keys, keyFile);
  return queue;
}

async function worker(
  local: JobQueue,
  options: Partial<Parameters<typeof NatsWorker.start>[0]> = {},
): Promise<NatsWorker> {
  const store = await KeyStore.open({
    folder: join(folder, randomUUID()),
    maxKeyBytes: 2 ** 32,
    tenantBytes: 2 ** 32,
    keepMs: 60_000,
    keepPartialMs: 60_000,
  });
  return NatsWorker.start({
    url: nats.url,
    name: 'worker',
    models: models.values(),
    local,
    keys: store,
    capacity: 1,
    maxRuns: 3,
    redeliverMs: 1_500,
    onWarning: () => undefined,
    ...options,
  });
}

function job(values: readonly number[], id: string = randomUUID()): EvaluationJob {
  return {
    id,
    tenant: 'local',
    model: 'linear',
    planHash: model.planHash,
    keys,
    request: Uint8Array.from(values),
    public: { bias: { data: Float32Array.of(1, 2), shape: [1, 2] } },
  };
}

async function failure(promise: Promise<unknown>): Promise<CipherloomError> {
  return promise.then(
    () => {
      throw new Error('no error was thrown');
    },
    (error: unknown) => {
      if (error instanceof CipherloomError) return error;
      throw error;
    },
  );
}

/** Messages that the streams hold, by name. */
async function held(): Promise<Record<string, number>> {
  const nc = await connect({ servers: nats.url });
  try {
    const manager = await jetstreamManager(nc);
    const all: Record<string, number> = {};
    for await (const { config, state } of manager.streams.list()) {
      all[config.name] = state.messages;
    }
    return all;
  } finally {
    await nc.close();
  }
}

describe('a queue on NATS', () => {
  it('answers jobs, each evaluated once', async () => {
    await using queue = await server();
    const local = doublingQueue();
    await using _worker = await worker(local);
    const progress: number[] = [];
    const jobs = Array.from({ length: 20 }, (_, n) => job([n, 2, 3]));
    const answers = await Promise.all(
      jobs.map((each) =>
        queue.evaluate(each, { onProgress: ({ done, total }) => progress.push(done / total) }),
      ),
    );
    expect(answers.map((bytes) => [...bytes])).toEqual(jobs.map((_, n) => [2 * n, 4, 6]));
    expect(local.done).toHaveLength(20);
    expect(new Set(local.done).size).toBe(20);
    expect(progress).toContain(0.5);
    const { CIPHERLOOM_JOBS: waiting } = await held();
    expect(waiting).toBe(0);
  });

  it('gives the stored answer for an id that it has seen, and to a server that is new', async () => {
    const local = doublingQueue();
    await using _worker = await worker(local);
    const again = job([5]);
    {
      await using queue = await server();
      expect([...(await queue.evaluate(again))]).toEqual([10]);
      expect([...(await queue.evaluate(again))]).toEqual([10]);
    }
    await using other = await server();
    expect([...(await other.evaluate(again))]).toEqual([10]);
    expect(local.done).toHaveLength(1);
    const conflict = await failure(other.evaluate(job([6], again.id)));
    expect(conflict.code).toBe('REQUEST_CONFLICT');
  });

  it('answers one job that two servers were sent, while it runs', async () => {
    const local = doublingQueue(400);
    await using _worker = await worker(local);
    await using one = await server();
    await using two = await server();
    const same = job([7]);
    const answers = await Promise.all([
      one.evaluate(same),
      sleep(100).then(() => two.evaluate(same)),
    ]);
    expect(answers.map((bytes) => [...bytes])).toEqual([[14], [14]]);
    expect(local.done).toHaveLength(1);
  });

  it('passes an error of the request on after one run', async () => {
    await using queue = await server();
    const local = doublingQueue(0, () => {
      throw new CipherloomError('CIPHERTEXT_INVALID', 'byte 0 is 255', {
        details: { got: 255 },
        hint: 'send less',
      });
    });
    await using _worker = await worker(local);
    const refused = await failure(queue.evaluate(job([255])));
    expect(refused).toMatchObject({
      code: 'CIPHERTEXT_INVALID',
      message: 'byte 0 is 255',
      details: { got: 255 },
      hint: 'send less',
    });
    expect(local.begun).toHaveLength(1);
  });

  it('tries a run that broke again, and gives up after the last with its reason', async () => {
    await using queue = await server();
    const local = doublingQueue(0, ({ request }, begun) => {
      if (request[0] === 0 || begun < 2) throw new Error(`no memory, run ${begun}`);
    });
    await using _worker = await worker(local);
    expect([...(await queue.evaluate(job([1])))]).toEqual([2]);
    expect(local.begun).toHaveLength(2);
    const poisoned = await failure(queue.evaluate(job([0])));
    expect(poisoned.code).toBe('JOB_FAILED');
    expect(poisoned.message).toBe('gave up after 3 runs: no memory, run 3');
    expect(local.begun).toHaveLength(5);
  });

  it('takes a job out of the queue when nobody waits for it', async () => {
    await using queue = await server();
    const waiting = new AbortController();
    const cancelled = queue.evaluate(job([1]), { signal: waiting.signal });
    await sleep(300);
    waiting.abort(new CipherloomError('DEADLINE_EXCEEDED', 'too late'));
    expect((await failure(cancelled)).code).toBe('DEADLINE_EXCEEDED');
    const { CIPHERLOOM_JOBS: jobs } = await held();
    expect(jobs).toBe(0);

    const local = doublingQueue(60_000);
    await using _worker = await worker(local);
    const running = new AbortController();
    const stopped = queue.evaluate(job([2]), { signal: running.signal });
    while (local.begun.length === 0) await sleep(20);
    running.abort(new CipherloomError('DEADLINE_EXCEEDED', 'too late'));
    await failure(stopped);
    // The worker is free again.
    await sleep(200);
    expect(_worker.running).toBe(0);
    expect(local.done).toEqual([]);
  });

  it('hands the jobs of a worker that is told to stop to another one', async () => {
    await using queue = await server();
    const slow = doublingQueue(60_000);
    const quick = doublingQueue();
    const stopping = await worker(slow);
    const answer = queue.evaluate(job([3]));
    while (slow.begun.length === 0) await sleep(20);
    await using _worker = await worker(quick);
    await stopping[Symbol.asyncDispose]();
    expect([...(await answer)]).toEqual([6]);
    expect(slow.done).toEqual([]);
  });

  it('goes on after NATS ended in the middle of a run', { timeout: 120_000 }, async () => {
    await using queue = await server();
    const local = doublingQueue(1_000);
    await using _worker = await worker(local);
    const answers = Promise.all([1, 2, 3].map((n) => queue.evaluate(job([n]))));
    while (local.begun.length === 0) await sleep(20);
    await nats.kill();
    await sleep(1_500);
    await nats.start();
    expect((await answers).map((bytes) => [...bytes])).toEqual([[2], [4], [6]]);
  });

  it('goes on after NATS lost what it stored', { timeout: 120_000 }, async () => {
    await using queue = await server();
    const answer = queue.evaluate(job([4]));
    await sleep(500);
    const nc = await connect({ servers: nats.url });
    await (await jetstreamManager(nc)).streams.purge('CIPHERLOOM_JOBS');
    await nc.close();
    await using _worker = await worker(doublingQueue());
    expect([...(await answer)]).toEqual([8]);
  });

  it('gives jobs to workers that have the keys ready', async () => {
    await using queue = await server({ graceMs: 500 });
    const first = doublingQueue(20);
    const second = doublingQueue(20);
    await using _first = await worker(first);
    await queue.evaluate(job([1]));
    await using _second = await worker(second);
    for (let n = 0; n < 10; n++) await queue.evaluate(job([n]));
    expect(first.done.length).toBeGreaterThanOrEqual(10);
    // More than one worker can do at once is done by both.
    await Promise.all(Array.from({ length: 60 }, (_, n) => queue.evaluate(job([n]))));
    expect(second.done.length).toBeGreaterThan(5);
  });

  it('refuses keys that it was not told of, and finds new ones after an upload', async () => {
    await using queue = await server();
    await using _worker = await worker(doublingQueue());
    await queue.forgetKeys('local', keys);
    const request = job([1]);
    expect((await failure(queue.evaluate(request))).code).toBe('NOT_FOUND');
    await queue.publishKeys('local', keys, keyFile);
    expect([...(await queue.evaluate(request))]).toEqual([2]);
  });

  it('keeps nothing beyond its expiry', { timeout: 120_000 }, async () => {
    await using queue = await server({ jobMs: 2_000, keysMs: 2_000 });
    await using _worker = await worker(doublingQueue());
    await Promise.all([1, 2, 3].map((n) => queue.evaluate(job([n]))));
    expect((await held())['CIPHERLOOM_ANSWERS']).toBeGreaterThan(0);
    await sleep(8_000);
    expect(new Set(Object.values(await held()))).toEqual(new Set([0]));
  });

  it('says what is missing where there is no NATS server', async () => {
    const missing = await failure(
      NatsQueue.open({
        url: 'nats://127.0.0.1:9',
        name: 'server',
        graceMs: 50,
        onWarning: () => undefined,
        ...retention,
      }),
    );
    expect(missing.code).toBe('QUEUE_UNAVAILABLE');
    expect(missing.hint).toContain('nats-server --jetstream');
  });
});
