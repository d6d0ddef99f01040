/**
 * One server, three workers, a NATS server: 500 requests of two models and four tenants, while workers
 * are killed ten times, NATS once and the server once. Each is answered exactly once, and right.
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Client } from '../../src/client/index.ts';
import { names } from '../../src/server/queue/nats/names.ts';
import { randomSource } from '../support/random.ts';
import { infer, putKeys } from './support/http-client.ts';
import type { Address, Inference } from './support/http-client.ts';
import { freePort, startNatsServer } from './support/nats-server.ts';
import type { NatsServer } from './support/nats-server.ts';
import { startProgram } from './support/program.ts';
import type { RunningProgram } from './support/program.ts';
import { clearScores, features, writeSmallModel } from './support/small-models.ts';
import type { SmallModel } from './support/small-models.ts';

const requests = 500;
const tenants = ['amber', 'birch', 'cedar', 'dune'];
const modelNames: readonly SmallModel[] = ['linear', 'square'];
const inFlight = 12;
const kills = 10;
const expirySeconds = 60;

interface Uploaded {
  readonly address: Address;
  readonly model: SmallModel;
  readonly client: Client;
  readonly keys: string;
}

interface Question extends Inference {
  readonly by: Uploaded;
  readonly x: readonly number[];
}

let folder = '';
let nats: NatsServer;
let server: RunningProgram;
const workers: RunningProgram[] = [];
const logs: (readonly string[])[] = [];
let startServer: () => Promise<RunningProgram>;
let startWorker: () => Promise<RunningProgram>;
let url = '';

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'cipherloom-scale-out-'));
  nats = await startNatsServer();
  const plans = await Promise.all(modelNames.map((name) => writeSmallModel(name, folder)));
  const tokens = join(folder, 'tokens');
  writeFileSync(
    tokens,
    tenants
      .map((name) => `${name} ${createHash('sha256').update(`token-${name}`).digest('hex')}\n`)
      .join(''),
  );
  const port = await freePort();
  url = `http://127.0.0.1:${port}`;
  startServer = () =>
    startProgram(
      ...['serve', ...plans, '--port', String(port), '--tokens', tokens],
      ...['--queue', nats.url, '--key-store', join(folder, 'keys')],
      ...['--queue-expiry', String(expirySeconds), '--queue-key-expiry', String(expirySeconds)],
    );
  startWorker = async () => {
    const started = await startProgram(
      ...['worker', ...plans, '--queue', nats.url, '--threads', '1'],
      ...['--redeliver-after', '3', '--max-runs', '10'],
    );
    logs.push(started.log);
    return started;
  };
  server = await startServer();
  workers.push(...(await Promise.all([startWorker(), startWorker(), startWorker()])));
}, 300_000);

afterAll(async () => {
  await Promise.all([...workers, server].map((program) => program.kill()));
  await nats[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

/** Messages in the streams, and how many each ever took. */
async function streams(): Promise<Map<string, { messages: number; taken: number }>> {
  const nc = await connect({ servers: nats.url });
  try {
    const all = new Map<string, { messages: number; taken: number }>();
    for await (const { config, state } of (await jetstreamManager(nc)).streams.list()) {
      all.set(config.name, { messages: state.messages, taken: state.last_seq });
    }
    return all;
  } finally {
    await nc.close();
  }
}

/** Jobs that a worker has or will be given. */
async function jobsWaiting(): Promise<number> {
  const nc = await connect({ servers: nats.url });
  try {
    const { consumers } = await jetstreamManager(nc);
    let waiting = 0;
    for await (const { num_pending: fresh, num_ack_pending: out } of consumers.list(names.jobs)) {
      waiting += fresh + out;
    }
    return waiting;
  } finally {
    await nc.close();
  }
}

async function upload(tenant: string, model: SmallModel): Promise<Uploaded> {
  const address = { url, token: `token-${tenant}` };
  const answer = await fetch(`${url}/v2/models/${model}/client.json`, {
    headers: { authorization: `Bearer ${address.token}` },
  });
  const client = Client.load(await answer.text());
  const bytes = await (await client.generateKeys()).evaluationKeys.bytes();
  return { address, model, client, keys: await putKeys(address, model, bytes) };
}

it(`answers ${requests} requests exactly once, whatever is killed`, async () => {
  const uploaded: Uploaded[] = [];
  for (const tenant of tenants) {
    for (const model of modelNames) uploaded.push(await upload(tenant, model));
  }
  const random = randomSource(500);
  const questions: Question[] = [];
  for (let n = 0; n < requests; n++) {
    const by = uploaded[n % uploaded.length]!;
    const x = Array.from({ length: features }, random);
    questions.push({
      by,
      x,
      id: `request-${n}`,
      model: by.model,
      keys: by.keys,
      plan: by.client.plan.planHash,
      ciphertext: await by.client.encrypt({
        x: { data: Float64Array.from(x), shape: [1, features] },
      }),
    });
  }

  let answered = 0;
  let sent = 0;
  let worst = 0;
  const responses = new Map<string, Uint8Array>();
  const disturb = async (): Promise<void> => {
    const reached = async (count: number): Promise<void> => {
      while (answered < count) await sleep(20);
    };
    const killWorker = async (n: number): Promise<void> => {
      await workers[n % workers.length]!.kill();
      workers[n % workers.length] = await startWorker();
    };
    for (let n = 0; n < kills; n++) {
      await reached(20 + n * 40);
      await killWorker(n);
      if (n === 4) {
        await nats.kill();
        await sleep(1_000);
        await nats.start();
      }
      if (n === 7) {
        await server.kill();
        server = await startServer();
      }
    }
  };
  const ask = async (next: Iterator<Question, undefined>): Promise<void> => {
    for (;;) {
      const { value: question } = next.next();
      if (question === undefined) return;
      const { by, x, id } = question;
      const inferred = await infer(by.address, question);
      const { scores } = await by.client.decrypt(inferred.ciphertext);
      const expected = clearScores[by.model](x);
      const error = Math.max(...expected.map((score, c) => Math.abs(score - scores!.data[c]!)));
      worst = Math.max(worst, error);
      expect(error, id).toBeLessThan(2 ** -8);
      expect(responses.has(id)).toBe(false);
      responses.set(id, inferred.ciphertext);
      answered += 1;
      sent += inferred.sent;
    }
  };
  const startedAt = performance.now();
  const next = questions.values();
  await Promise.all([disturb(), ...Array.from({ length: inFlight }, () => ask(next))]);
  const seconds = (performance.now() - startedAt) / 1000;

  expect(responses.size).toBe(requests);
  // The stream took one answer a request, ever.
  const after = await streams();
  expect(after.get('CIPHERLOOM_ANSWERS')?.taken).toBe(requests);
  // A job is acknowledged after its answer is stored, by another worker where its own was killed. One that was
  // acknowledged just before NATS was killed may be in the stream again; no worker is given it, and it expires.
  await expect.poll(jobsWaiting, { timeout: 30_000 }).toBe(0);
  // Sent again, a request gets the very bytes that were stored.
  for (const question of questions.slice(-8)) {
    const { ciphertext } = await infer(question.by.address, question);
    expect(Buffer.compare(ciphertext, responses.get(question.id)!)).toBe(0);
  }
  const outcomes = logs.flat().flatMap((line) => {
    const { outcome } = JSON.parse(line) as { outcome?: string };
    return outcome === undefined ? [] : [outcome];
  });
  const count = (what: string): number => outcomes.filter((outcome) => outcome === what).length;
  expect(count('answered')).toBeLessThanOrEqual(requests);

  const emptyAt = performance.now();
  let left = await streams();
  while ([...left.values()].some(({ messages }) => messages > 0)) {
    if (performance.now() - emptyAt > 3 * expirySeconds * 1000) break;
    await sleep(1_000);
    left = await streams();
  }
  expect(Object.fromEntries([...left].map(([name, { messages }]) => [name, messages]))).toEqual({
    CIPHERLOOM_ANSWERS: 0,
    CIPHERLOOM_JOBS: 0,
    CIPHERLOOM_KEYS: 0,
    CIPHERLOOM_REQUESTS: 0,
    CIPHERLOOM_RESPONSES: 0,
  });
  process.stdout.write(
    `${requests} requests in ${seconds.toFixed(1)} s, sent ${sent} times; ` +
      `${kills} workers, NATS and the server killed; worst error ${worst.toExponential(1)}; ` +
      `runs answered ${count('answered')}, found answered ${count('answered before')}, put back ${count('put back')}; ` +
      `store empty ${((performance.now() - emptyAt) / 1000).toFixed(0)} s after the last\n`,
  );
  for (const { client } of uploaded) client[Symbol.dispose]();
});
