/**
 * Three NATS servers with TLS as one cluster, streams on all three: a server and two workers answer
 * requests while each NATS server is killed and started again in turn.
 */
import { createHash, randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import type { NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Client } from '../../src/client/index.ts';
import { makeCertificates } from './support/certificates.ts';
import type { Certificates } from './support/certificates.ts';
import { infer } from './support/http-client.ts';
import { freePort, startNatsServer } from './support/nats-server.ts';
import type { NatsServer } from './support/nats-server.ts';
import { startProgramWith } from './support/program.ts';
import type { RunningProgram } from './support/program.ts';
import { clearScores, features, writeSmallModel } from './support/small-models.ts';

const size = 3;
const requestsPerServer = 8;

let folder = '';
let certificates: Certificates;
const cluster: NatsServer[] = [];
const programs: RunningProgram[] = [];
let plan = '';
let servers = '';

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'cipherloom-cluster-'));
  certificates = makeCertificates(folder);
  plan = await writeSmallModel('linear', folder);
  const ports = await Promise.all(Array.from({ length: 2 * size }, freePort));
  const routes = ports.slice(size).map((port) => `nats-route://127.0.0.1:${port}`);
  const { certificate, key, authority } = certificates;
  for (const [n, port] of ports.slice(0, size).entries()) {
    cluster.push(
      await startNatsServer({
        port,
        words: [
          ...['--tls', '--tlscert', certificate, '--tlskey', key, '--tlscacert', authority],
          ...['--server_name', `nats-${n}`, '--cluster_name', 'cipherloom'],
          ...['--cluster', `nats://127.0.0.1:${ports[size + n]!}`, '--routes', routes.join(',')],
        ],
      }),
    );
  }
  servers = ports
    .slice(0, size)
    .map((port) => `tls://localhost:${port}`)
    .join(',');
  await allAgree();
}, 300_000);

afterAll(async () => {
  await Promise.all(programs.map((program) => program.kill()));
  await Promise.all(cluster.map((server) => server[Symbol.asyncDispose]()));
  rmSync(folder, { recursive: true, force: true });
});

async function connected(): Promise<NatsConnection> {
  return connect({
    servers: servers.split(',').map((url) => new URL(url).host),
    tls: { ca: readFileSync(certificates.authority, 'utf8') },
  });
}

/** Until every stream has a leader and two followers that are up to date. */
async function allAgree(): Promise<void> {
  for (;;) {
    const nc = await connected().catch(() => null);
    try {
      if (nc !== null) {
        const manager = await jetstreamManager(nc, { timeout: 2_000 });
        const behind = [];
        for await (const { cluster: copies } of manager.streams.list()) {
          const followers = copies?.replicas ?? [];
          if (copies?.leader === undefined || followers.length < size - 1) behind.push(copies);
          else behind.push(...followers.filter(({ current, offline }) => !current || offline));
        }
        if (behind.length === 0) return;
      }
    } catch {
      // No leader yet.
    } finally {
      await nc?.close();
    }
    await sleep(250);
  }
}

async function start(...words: readonly string[]): Promise<RunningProgram> {
  const started = await startProgramWith(
    { NODE_EXTRA_CA_CERTS: certificates.authority },
    ...words,
    ...['--queue', servers],
  );
  programs.push(started);
  return started;
}

it('answers through a cluster with TLS, whichever of its servers is away', async () => {
  const server = await start(
    ...['serve', plan, '--port', '0', '--key-store', join(folder, 'keys')],
    ...['--queue-replicas', String(size)],
  );
  await Promise.all([0, 1].map(() => start('worker', plan, '--threads', '1')));
  const address = { url: String(server.announced['address']), token: 'none' };
  const answer = await fetch(`${address.url}/v2/models/linear/client.json`);
  using client = Client.load(await answer.text());
  const bytes = await (await client.generateKeys()).evaluationKeys.bytes();
  const keys = createHash('sha256').update(bytes).digest('hex');
  const uploaded = await fetch(`${address.url}/v2/keys/${keys}?model=linear`, {
    method: 'PUT',
    headers: { 'content-type': 'application/octet-stream' },
    body: bytes,
  });
  expect(uploaded.status).toBe(201);

  const ask = async (n: number): Promise<void> => {
    const x = Array.from({ length: features }, (_, k) => ((n + k) % 7) / 7);
    const { ciphertext } = await infer(address, {
      id: randomUUID(),
      model: 'linear',
      keys,
      plan: client.plan.planHash,
      ciphertext: await client.encrypt({ x: { data: Float64Array.from(x), shape: [1, features] } }),
    });
    const { scores } = await client.decrypt(ciphertext);
    const errors = clearScores.linear(x).map((score, c) => Math.abs(score - scores!.data[c]!));
    expect(Math.max(...errors)).toBeLessThan(2 ** -8);
  };
  await ask(0);
  for (const [n, away] of cluster.entries()) {
    await away.kill();
    for (let k = 0; k < requestsPerServer; k++) await ask(n * requestsPerServer + k);
    await away.start();
    await allAgree();
  }
  const nc = await connected();
  const { config, cluster: copies } = await (
    await jetstreamManager(nc)
  ).streams.info('CIPHERLOOM_ANSWERS');
  await nc.close();
  expect(config.num_replicas).toBe(size);
  expect(copies?.replicas).toHaveLength(size - 1);
}, 600_000);

it('says what is wrong where the certificate is not known, and sends nothing in the clear', async () => {
  const words = ['serve', plan, '--port', '0', '--key-store', join(folder, 'keys'), '--queue'];
  await expect(startProgramWith({ NODE_EXTRA_CA_CERTS: '' }, ...words, servers)).rejects.toThrow(
    /QUEUE_UNAVAILABLE[^]*certificate/,
  );
});
