/** The server as its clients use it: the Open Inference Protocol, keys in parts, tenants, repetition, stopping. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Client } from '../../../src/client/index.ts';
import type { CompiledModel } from '../../../src/index.ts';
import { readTenants } from '../../../src/server/tenants/tenants.ts';
import {
  answerCiphertext,
  bytesElement,
  call,
  compileDense,
  compileScaled,
  concat,
  infer,
  inferBody,
  Party,
  postInfer,
  putKeys,
  runService,
  sha256,
  until,
  writePlanFolder,
} from './running-service.ts';
import type { Bytes, Running } from './running-service.ts';

const folder = mkdtempSync(join(tmpdir(), 'cipherloom service '));
const folders = { dense: join(folder, 'dense'), scaled: join(folder, 'scaled') };
const x = Float64Array.from([0.1, 0.9, 0.3, 0.5, 0.2, 0.8, 0.7, 0.4]);
let dense: CompiledModel;
let scaled: CompiledModel;
let party: Party;
let request: Bytes;
let running: Running;

beforeAll(async () => {
  [dense, scaled] = await Promise.all([compileDense(), compileScaled()]);
  writePlanFolder(folders.dense, dense);
  writePlanFolder(folders.scaled, scaled);
  party = await Party.of(dense);
  request = await party.client.encrypt({ x });
  running = await runService(folders);
  expect(await putKeys(running.url, party.keyId, party.keys)).toMatchObject({ status: 201 });
});
afterAll(async () => {
  await running[Symbol.asyncDispose]();
  party[Symbol.dispose]();
  rmSync(folder, { recursive: true, force: true });
});

const hex = 'a'.repeat(64);

describe('the Open Inference Protocol', () => {
  test('live, ready, and the metadata of the server', async () => {
    const { url } = running;
    expect(await call(`${url}/v2/health/live`)).toMatchObject({ status: 200 });
    expect(await call(`${url}/v2/health/ready`)).toMatchObject({ status: 200 });
    expect((await call(`${url}/v2`)).json).toEqual({
      name: 'cipherloom',
      version: '1.2.3',
      extensions: ['binary_tensor_data', 'model_repository'],
    });
    const version = dense.planHash.slice(0, 16);
    expect((await call(`${url}/v2/repository/index`, { method: 'POST' })).json).toContainEqual({
      name: 'dense',
      version,
      state: 'READY',
    });
  });

  test('metadata and readiness of a model, with and without its version', async () => {
    const version = dense.planHash.slice(0, 16);
    for (const path of ['dense', `dense/versions/${version}`]) {
      expect((await call(`${running.url}/v2/models/${path}`)).json).toMatchObject({
        name: 'dense',
        versions: [version],
        platform: 'cipherloom_ckks',
        inputs: [{ name: 'ciphertext', datatype: 'BYTES', shape: [1] }],
        outputs: [{ name: 'ciphertext', datatype: 'BYTES', shape: [1] }],
        parameters: { plan: dense.planHash, key_bytes: party.keys.length },
      });
      expect(await call(`${running.url}/v2/models/${path}/ready`)).toMatchObject({ status: 200 });
    }
    expect((await call(`${running.url}/v2/models/scaled`)).json).toMatchObject({
      inputs: [
        { name: 'ciphertext', datatype: 'BYTES' },
        { name: 'p', datatype: 'FP32', shape: [1, 6] },
        { name: 'q', datatype: 'FP32', shape: [6] },
      ],
    });
  });

  test('client.json is the one that was compiled', async () => {
    const { json } = await call(`${running.url}/v2/models/dense/client.json`);
    expect(json).toEqual(JSON.parse(JSON.stringify(dense.client)));
    using client = Client.load(json);
    expect(client.plan.planHash).toBe(dense.planHash);
  });

  test('infer answers with one binary tensor, which only the client reads', async () => {
    const answer = await infer(running.url, request, {
      id: 'first',
      keys: party.keyId,
      plan: dense.planHash,
    });
    expect(answer.status).toBe(200);
    const header = Number(answer.headers.get('inference-header-content-length'));
    const ciphertext = answerCiphertext(answer);
    expect(JSON.parse(new TextDecoder().decode(answer.bytes.subarray(0, header)))).toEqual({
      model_name: 'dense',
      model_version: dense.planHash.slice(0, 16),
      id: 'first',
      outputs: [
        {
          name: 'ciphertext',
          shape: [1],
          datatype: 'BYTES',
          parameters: { binary_data_size: 4 + ciphertext.length },
        },
      ],
    });
    expect(answer.bytes.length).toBe(header + 4 + ciphertext.length);
    const { y } = await party.client.decrypt(ciphertext);
    const [clear] = await clearDense();
    y!.data.forEach((value, k) => {
      expect(value).toBeCloseTo(clear![k]!, 2);
    });
  });

  test('the versioned path answers alike', async () => {
    const { json, body } = inferBody(request, { keys: party.keyId });
    const answer = await postInfer(running.url, json.length, body, {
      model: `dense/versions/${dense.planHash.slice(0, 16)}`,
    });
    expect(answer.status).toBe(200);
    expect(answerCiphertext(answer)).toEqual(
      answerCiphertext(await infer(running.url, request, { keys: party.keyId })),
    );
  });

  test('tensors that the server knows are further inputs, binary or in the JSON', async () => {
    using other = await Party.of(scaled);
    const { url } = running;
    await putKeys(url, other.keyId, other.keys, { model: 'scaled' });
    const sent = bytesElement(await other.client.encrypt({ x: x.slice(0, 6) }));
    const p = Float32Array.of(0.5, 0.25, 1, 0, 0.75, 0.1);
    const q = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6];
    const json = new TextEncoder().encode(
      JSON.stringify({
        parameters: { keys: other.keyId },
        inputs: [
          { name: 'p', shape: [1, 6], datatype: 'FP32', parameters: { binary_data_size: 24 } },
          {
            name: 'ciphertext',
            shape: [1],
            datatype: 'BYTES',
            parameters: { binary_data_size: sent.length },
          },
          { name: 'q', shape: [6], datatype: 'FP32', data: q },
        ],
      }),
    );
    const body = concat(json, new Uint8Array(p.buffer), sent);
    const answer = await postInfer(url, json.length, body, { model: 'scaled' });
    expect(answer.status).toBe(200);
    const { y } = await other.client.decrypt(answerCiphertext(answer));
    y!.data.forEach((value, k) => {
      expect(value).toBeCloseTo(x[k]! * p[k]! + q[k]!, 2);
    });
  });
});

/** The plan in the clear. */
async function clearDense(): Promise<Float64Array[]> {
  const { InferenceSession } = await import('../../../src/server/index.ts');
  await using session = await InferenceSession.create(dense.plan, { backend: 'clear' });
  return (await session.runClear(new Map([['x', [x]]]))).get('y') ?? [];
}

describe('keys', () => {
  test('in parts, over a restart of the server, from where they stopped', async () => {
    const keyFolder = join(folder, 'parts');
    using other = await Party.of(dense);
    const { keys, keyId } = other;
    const half = Math.floor(keys.length / 2);
    const total = keys.length;
    {
      await using first = await runService(folders, { keyFolder });
      const part = keys.slice(0, half);
      const sent = await putKeys(first.url, keyId, part, { range: `bytes 0-${half - 1}/${total}` });
      expect(sent).toMatchObject({ status: 202, json: { received: half, total } });
      const again = await putKeys(first.url, keyId, part, {
        range: `bytes 0-${half - 1}/${total}`,
      });
      expect(again).toMatchObject({ status: 409, json: { received: half } });
      const early = await infer(first.url, request, { keys: keyId });
      expect(early).toMatchObject({
        status: 409,
        json: { code: 'REQUEST_CONFLICT', received: half },
      });
    }
    await using second = await runService(folders, { keyFolder });
    expect((await call(`${second.url}/v2/keys/${keyId}`)).json).toEqual({
      received: half,
      total,
      complete: false,
      missing: [],
    });
    const rest = await putKeys(second.url, keyId, keys.slice(half), {
      range: `bytes ${half}-${total - 1}/${total}`,
    });
    expect(rest).toMatchObject({ status: 201, json: { received: total, total, complete: true } });
    const sent = await other.client.encrypt({ x });
    expect(await infer(second.url, sent, { keys: keyId })).toMatchObject({ status: 200 });
  });

  test('a part that is cut short keeps what arrived', async () => {
    using other = await Party.of(dense);
    const { keys, keyId } = other;
    const controller = new AbortController();
    const half = Math.floor(keys.length / 2);
    const slow = new ReadableStream({
      async start(stream) {
        stream.enqueue(keys.slice(0, half));
        await new Promise((resolve) => setTimeout(resolve, 300));
        controller.abort();
        stream.close();
      },
    });
    await expect(
      fetch(`${running.url}/v2/keys/${keyId}?model=dense`, {
        method: 'PUT',
        body: slow,
        duplex: 'half',
        signal: controller.signal,
        headers: {
          'content-type': 'application/octet-stream',
          'content-length': String(keys.length),
        },
      }),
    ).rejects.toThrow();
    const url = `${running.url}/v2/keys/${keyId}`;
    await until(async () => (await call(url)).json['received'] === half);
    const rest = await putKeys(running.url, keyId, keys.slice(half), {
      range: `bytes ${half}-${keys.length - 1}/${keys.length}`,
    });
    expect(rest.status).toBe(201);
    expect(await call(url, { method: 'DELETE' })).toMatchObject({ status: 204 });
    expect(await call(url)).toMatchObject({ status: 404 });
    expect(await call(url, { method: 'DELETE' })).toMatchObject({ status: 404 });
    expect(await infer(running.url, request, { keys: keyId })).toMatchObject({ status: 404 });
  });

  test('are removed when they were not used for long, and an upload that stopped as well', async () => {
    const keyFolder = join(folder, 'expiry');
    {
      await using first = await runService(folders, { keyFolder });
      await putKeys(first.url, party.keyId, party.keys);
      using other = await Party.of(dense);
      const range = `bytes 0-99/${other.keys.length}`;
      await putKeys(first.url, other.keyId, other.keys.slice(0, 100), { range });
      expect(readdirSync(join(keyFolder, 'local'))).toHaveLength(4);
    }
    writeFileSync(join(keyFolder, '.expanded', 'long-ago'), 'expanded keys');
    await new Promise((resolve) => setTimeout(resolve, 20));
    await using second = await runService(folders, { keyFolder, keepMs: 10, keepPartialMs: 10 });
    expect(readdirSync(join(keyFolder, 'local'))).toEqual([]);
    expect(readdirSync(join(keyFolder, '.expanded'))).toEqual([]);
    expect(await infer(second.url, request, { keys: party.keyId })).toMatchObject({ status: 404 });
  });
});

describe('tenants', () => {
  test('need a token, and have keys of their own', async () => {
    const file = join(folder, 'tokens');
    writeFileSync(
      file,
      `# two tenants\nfirst ${sha256(Buffer.from('one'))}\nfirst ${sha256(Buffer.from('uno'))}\nsecond ${sha256(Buffer.from('two'))}\n`,
    );
    await using secured = await runService(folders, { tenants: await readTenants(file) });
    const { url } = secured;
    const as = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });
    for (const headers of [{}, as('three').headers, { authorization: 'Bearer' }]) {
      const answer = await call(`${url}/v2/models/dense`, { headers });
      expect(answer).toMatchObject({ status: 401, json: { code: 'UNAUTHORIZED' } });
      expect(answer.headers.get('www-authenticate')).toBe('Bearer');
    }
    expect(await call(`${url}/v2/health/ready`)).toMatchObject({ status: 200 });
    expect(await call(`${url}/v2/models/dense`, as('one'))).toMatchObject({ status: 200 });
    const put = await putKeys(url, party.keyId, party.keys, as('one'));
    expect(put).toMatchObject({ status: 201 });
    const own = await infer(url, request, { keys: party.keyId, ...as('uno') });
    expect(own).toMatchObject({ status: 200 });
    const foreign = await infer(url, request, { keys: party.keyId, ...as('two') });
    const unknown = await infer(url, request, { keys: hex, ...as('two') });
    expect(foreign).toMatchObject({ status: 404, bytes: unknown.bytes });
    expect(secured.log.join('')).not.toMatch(/\b(one|uno|two|three)\b/);
  });
});

describe('a request that is sent again', () => {
  test('with the same id and body has the same answer, with another body 409', async () => {
    const ask = (sent: Bytes) => infer(running.url, sent, { id: 'again', keys: party.keyId });
    const [one, two] = await Promise.all([ask(request), ask(request)]);
    const three = await ask(request);
    expect(one.status).toBe(200);
    expect(two.bytes).toEqual(one.bytes);
    expect(three.bytes).toEqual(one.bytes);
    const other = await ask(await party.client.encrypt({ x }));
    expect(other).toMatchObject({ status: 409, json: { code: 'REQUEST_CONFLICT' } });
  });

  test('is evaluated once', async () => {
    const count = async (): Promise<number> => {
      const { bytes } = await call(`${running.url}/metrics`);
      const text = new TextDecoder().decode(bytes);
      return Number(/cipherloom_runs_total\{model="dense"\} (\d+)/.exec(text)?.[1] ?? 0);
    };
    const before = await count();
    const ask = () => infer(running.url, request, { id: 'once', keys: party.keyId });
    const answers = await Promise.all([ask(), ask(), ask()]);
    answers.push(await ask());
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect((await count()) - before).toBe(1);
  });
});

describe('stopping', () => {
  test('readiness fails, what runs is finished, nothing new is taken', async () => {
    await using stopping = await runService(folders, { keyFolder: running.keyFolder });
    const { url, service, queue } = stopping;
    const many = await party.client.encrypt({
      x: { data: Float64Array.from({ length: 8 * 200 }, () => 0.5), shape: [200, 8] },
    });
    const asked = infer(url, many, { keys: party.keyId });
    await until(() => queue.state().running === 1);
    const stopped = service.stop({ delayMs: 500, timeoutMs: 60_000 });
    expect(await call(`${url}/v2/health/ready`)).toMatchObject({ status: 503 });
    expect(await call(`${url}/v2/health/live`)).toMatchObject({ status: 200 });
    expect((await asked).status).toBe(200);
    await stopped;
    await expect(call(`${url}/v2/health/live`)).rejects.toThrow();
  });

  test('at the deadline of a stop, what runs is ended with 503', async () => {
    await using stopping = await runService(folders, { keyFolder: running.keyFolder });
    const { url, service, queue } = stopping;
    const many = await party.client.encrypt({
      x: { data: Float64Array.from({ length: 8 * 400 }, () => 0.5), shape: [400, 8] },
    });
    const asked = infer(url, many, { keys: party.keyId });
    await until(() => queue.state().running === 1);
    await service.stop({ delayMs: 0, timeoutMs: 50 });
    expect(await asked).toMatchObject({ status: 503, json: { code: 'SERVER_BUSY' } });
  });
});
