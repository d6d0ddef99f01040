import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Client } from '../../../src/client/index.ts';
import { serveModel, type ModelServer } from '../../browser/serve-model.ts';
import { cipherloom } from '../../cli/spawn-program.ts';

const program = `
import { defineProgram } from 'cipherloom/dsl';
export default defineProgram('double', ({ input }) => {
  const x = input('x', [8], { range: [-1, 1] });
  return { y: x.mul(2).add(x.roll(1, 0)) };
});
`;

let folder: string;
let server: ModelServer;
let clientJson: string;
const x = Float64Array.of(0.5, -0.25, 1, 0, -1, 0.125, 0.75, -0.5);
const expected = x.map((value, i) => 2 * value + x[(i + 7) % 8]!);

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'cipherloom-remote-'));
  writeFileSync(join(folder, 'double.ts'), program);
  const plan = join(folder, 'double');
  const { status, stderr } = await cipherloom('compile', join(folder, 'double.ts'), '-o', plan);
  expect(status, stderr).toBe(0);
  clientJson = readFileSync(join(plan, 'client.json'), 'utf8');
  server = await serveModel([plan], ['--key-store', join(folder, 'keys'), '--log-level', 'warn']);
}, 300_000);

afterAll(async () => {
  await server[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

test('connect, keys, inference, and no keys any more', async () => {
  const model = await Client.connect(server.url, { model: 'double' });
  using client = model.client;
  await expect(model.infer({ x })).rejects.toMatchObject({ code: 'SECRET_KEY_INVALID' });
  const { evaluationKeys } = await client.generateKeys();
  await expect(model.infer({ x })).rejects.toMatchObject({ code: 'KEYS_INVALID' });
  const bytes = await evaluationKeys.bytes();
  const keys = { bytes: () => Promise.resolve(bytes) };
  const seen: number[] = [];
  const first = await model.uploadKeys(keys, {
    partBytes: 100_000,
    onProgress: ({ sentBytes }) => seen.push(sentBytes),
  });
  expect(first).toEqual({ resumedFrom: 0, sentBytes: client.evaluationKeyBytes });
  expect(seen.slice(0, 2)).toEqual([0, 100_000]);
  expect(await model.uploadKeys(keys)).toEqual({
    resumedFrom: client.evaluationKeyBytes,
    sentBytes: 0,
  });

  const stages: string[] = [];
  const { y } = await model.infer({ x }, { onStage: (stage) => stages.push(stage) });
  expect(stages).toEqual(['encrypt', 'evaluate', 'decrypt']);
  expect(y?.shape).toEqual([8]);
  y?.data.forEach((value, i) => {
    expect(Math.abs(value - expected[i]!)).toBeLessThan(2 ** -10);
  });

  // The same id and body are one request; the same id with another body is refused.
  const request = await client.encrypt({ x });
  const answer = await model.evaluate(request, { id: 'one' });
  expect(await model.evaluate(request, { id: 'one' })).toEqual(answer);
  const other = model.evaluate(await client.encrypt({ x }), { id: 'one' });
  await expect(other).rejects.toMatchObject({ code: 'REQUEST_CONFLICT' });

  await model.removeKeys();
  expect(model.keys).toBeNull();
  await expect(model.evaluate(request)).rejects.toMatchObject({ code: 'KEYS_INVALID' });
  model.useKeys('ab'.repeat(32));
  await expect(model.evaluate(request)).rejects.toMatchObject({ code: 'NOT_FOUND' });
});

test('an upload that was aborted goes on where it was', async () => {
  const model = await Client.connect(`${server.url}/v2/models/double`);
  using client = model.client;
  const bytes = await (await client.generateKeys()).evaluationKeys.bytes();
  const keys = { bytes: () => Promise.resolve(bytes) };
  const controller = new AbortController();
  const upload = model.uploadKeys(keys, {
    partBytes: 10_000,
    signal: controller.signal,
    onProgress: ({ sentBytes }) => {
      if (sentBytes === 20_000) controller.abort();
    },
  });
  await expect(upload).rejects.toMatchObject({ name: 'AbortError' });
  expect((await model.uploadKeys(keys)).resumedFrom).toBe(20_000);
});

test('a client of its own plan: the server must have that plan', async () => {
  using client = Client.load(clientJson);
  expect((await client.connect(server.url)).name).toBe('double');
  const other = JSON.parse(clientJson) as { planHash: string };
  other.planHash = 'cd'.repeat(32);
  using stranger = Client.load(other);
  const mismatch = { code: 'PLAN_MISMATCH' };
  await expect(stranger.connect(server.url)).rejects.toMatchObject(mismatch);
  await expect(stranger.connect(server.url, { model: 'double' })).rejects.toMatchObject(mismatch);
  const missing = Client.connect(server.url, { model: 'triple' });
  await expect(missing).rejects.toMatchObject({ code: 'NOT_FOUND' });
  expect((await Client.connect(server.url)).name).toBe('double');
});

test('keys of another plan are refused by name', async () => {
  const model = await Client.connect(server.url, { model: 'double' });
  using client = model.client;
  await client.generateKeys();
  const bytes = await client.evaluationKeys().bytes();
  bytes[20]! ^= 1;
  const upload = model.uploadKeys({ bytes: () => Promise.resolve(bytes) });
  await expect(upload).rejects.toMatchObject({ code: 'KEYS_INVALID' });
});
