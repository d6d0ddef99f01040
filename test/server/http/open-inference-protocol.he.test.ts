/**
 * The request and response examples of the Open Inference Protocol's specification, and of its binary tensor
 * extension, against a running server; and the description of the routes that it gives of itself.
 *
 * Source: kserve/open-inference-protocol specification/protocol/inference_rest.md;
 *         triton-inference-server/server docs/protocol/extension_binary_data.md
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Ajv from 'ajv';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CompiledModel } from '../../../src/index.ts';
import {
  bytesElement,
  call,
  compileDense,
  concat,
  infer,
  Party,
  postInfer,
  putKeys,
  runService,
  writePlanFolder,
} from './running-service.ts';
import type { Answer, Bytes, Running } from './running-service.ts';

const folder = mkdtempSync(join(tmpdir(), 'cipherloom protocol '));
let dense: CompiledModel;
let party: Party;
let request: Bytes;
let running: Running;

beforeAll(async () => {
  dense = await compileDense();
  writePlanFolder(join(folder, 'mymodel'), dense);
  running = await runService({ mymodel: join(folder, 'mymodel') });
  party = await Party.of(dense);
  request = await party.client.encrypt({ x: new Float64Array(8) });
  await putKeys(running.url, party.keyId, party.keys, { model: 'mymodel' });
});
afterAll(async () => {
  await running[Symbol.asyncDispose]();
  party[Symbol.dispose]();
  rmSync(folder, { recursive: true, force: true });
});

const text = (value: unknown): Bytes => new TextEncoder().encode(JSON.stringify(value, null, 2));

describe('the examples of the specification', () => {
  // Both ask for tensors in the clear of a model that has none: an error object with a status of 4xx.
  const example = {
    id: '42',
    inputs: [
      { name: 'input0', shape: [2, 2], datatype: 'UINT32', data: [1, 2, 3, 4] },
      { name: 'input1', shape: [3], datatype: 'BOOL', data: [true] },
    ],
    outputs: [{ name: 'output0' }],
  };

  test('an inference request in JSON is answered with an error object that says what is expected', async () => {
    const post = (body: unknown) =>
      call(`${running.url}/v2/models/mymodel/infer`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: text(body),
      });
    expect(await post(example)).toMatchObject({
      status: 400,
      json: { error: expect.stringMatching(/^\$\.parameters: /) as unknown },
    });
    expect(await post({ ...example, parameters: { keys: party.keyId } })).toMatchObject({
      status: 400,
      json: {
        error: 'the request has 2 inputs ("input0", "input1"), expected 1: ciphertext',
      },
    });
  });

  test('an inference request with binary tensors likewise', async () => {
    const json = text({
      model_name: 'mymodel',
      parameters: { keys: party.keyId },
      inputs: [
        { name: 'input0', shape: [2, 2], datatype: 'UINT32', parameters: { binary_data_size: 16 } },
        { name: 'input1', shape: [3], datatype: 'BOOL', parameters: { binary_data_size: 3 } },
      ],
      outputs: [{ name: 'output0', parameters: { binary_data: true } }],
    });
    const answer = await postInfer(running.url, json.length, concat(json, new Uint8Array(19)), {
      model: 'mymodel',
    });
    expect(answer).toMatchObject({
      status: 400,
      json: { error: expect.stringContaining('input0') as unknown },
    });
  });

  test('the same request with the inputs and outputs of this model is answered in the form of the example', async () => {
    const tensor = bytesElement(request);
    const json = text({
      model_name: 'mymodel',
      id: '42',
      parameters: { keys: party.keyId, binary_data_output: true },
      inputs: [
        {
          name: 'ciphertext',
          shape: [1],
          datatype: 'BYTES',
          parameters: { binary_data_size: tensor.length },
        },
      ],
      outputs: [{ name: 'ciphertext', parameters: { binary_data: true } }],
    });
    const { status, headers, bytes } = await postInfer(
      running.url,
      json.length,
      concat(json, tensor),
      { model: 'mymodel' },
    );
    expect(status).toBe(200);
    expect(headers.get('content-type')).toBe('application/octet-stream');
    const length = Number(headers.get('inference-header-content-length'));
    const header = JSON.parse(new TextDecoder().decode(bytes.subarray(0, length))) as {
      outputs: [{ parameters: { binary_data_size: number } }];
    };
    expect(header).toMatchObject({ model_name: 'mymodel', id: '42' });
    const size = header.outputs[0].parameters.binary_data_size;
    expect(Number(headers.get('content-length'))).toBe(length + size);
    expect(header.outputs).toEqual([
      {
        name: 'ciphertext',
        shape: [1],
        datatype: 'BYTES',
        parameters: { binary_data_size: size },
      },
    ]);
  });

  test('an output that is asked for in JSON, or that there is not, is refused', async () => {
    const tensor = bytesElement(request);
    for (const [output, tells] of [
      [{ name: 'ciphertext', parameters: { binary_data: false } }, /binary_data/],
      [{ name: 'output0' }, /no output \\?"output0/],
    ] as const) {
      const json = text({
        parameters: { keys: party.keyId },
        inputs: [
          {
            name: 'ciphertext',
            shape: [1],
            datatype: 'BYTES',
            parameters: { binary_data_size: tensor.length },
          },
        ],
        outputs: [output],
      });
      const answer = await postInfer(running.url, json.length, concat(json, tensor), {
        model: 'mymodel',
      });
      expect(answer).toMatchObject({
        status: 400,
        json: { error: expect.stringMatching(tells) as unknown },
      });
    }
  });

  test('health has the bodies of the specification', async () => {
    const { url } = running;
    expect((await call(`${url}/v2/health/live`)).json).toEqual({ live: true });
    expect((await call(`${url}/v2/health/ready`)).json).toEqual({ live: true, ready: true });
    expect((await call(`${url}/v2/models/mymodel/ready`)).json).toEqual({
      name: 'mymodel',
      ready: true,
    });
    expect(await call(`${url}/v2/models/other`)).toMatchObject({
      status: 404,
      json: { error: 'no such model' },
    });
  });
});

describe('/openapi.json', () => {
  interface Operation {
    readonly summary?: string;
    readonly parameters?: readonly { readonly name: string; readonly in: string }[];
    readonly responses: Readonly<
      Record<
        string,
        { readonly content?: Readonly<Record<string, { readonly schema?: object }>> } | undefined
      >
    >;
  }
  type Paths = Readonly<Record<string, Readonly<Record<string, Operation | undefined>>>>;
  let paths: Paths;
  beforeAll(async () => {
    paths = (await call(`${running.url}/openapi.json`)).json['paths'] as Paths;
  });

  test('lists the paths of the protocol and of keys, each with a summary and its parameters', () => {
    const infer = '/v2/models/{name}/infer';
    expect(Object.keys(paths).sort()).toEqual([
      '/metrics',
      '/v2',
      '/v2/health/live',
      '/v2/health/ready',
      '/v2/keys/{sha256}',
      '/v2/models/{name}',
      '/v2/models/{name}/client.json',
      infer,
      '/v2/models/{name}/ready',
      '/v2/models/{name}/versions/{version}',
      '/v2/models/{name}/versions/{version}/infer',
      '/v2/models/{name}/versions/{version}/ready',
      '/v2/repository/index',
    ]);
    for (const [path, operations] of Object.entries(paths)) {
      const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      for (const operation of Object.values(operations)) {
        expect(operation?.summary).toEqual(expect.any(String));
        const declared = (operation?.parameters ?? []).filter((each) => each.in === 'path');
        expect(declared.map(({ name }) => name).sort()).toEqual(named.sort());
      }
    }
    expect(Object.keys(paths['/v2/keys/{sha256}']!).sort()).toEqual(['delete', 'get', 'put']);
  });

  test('says what the running server answers, errors too', async () => {
    const { url } = running;
    const { keyId } = party;
    const other = 'b'.repeat(64);
    const calls: readonly (readonly [string, string, number, () => Promise<Answer>])[] = [
      ['/v2', 'get', 200, () => call(`${url}/v2`)],
      ['/v2/health/live', 'get', 200, () => call(`${url}/v2/health/live`)],
      [
        '/v2/repository/index',
        'post',
        200,
        () => call(`${url}/v2/repository/index`, { method: 'POST' }),
      ],
      ['/v2/health/ready', 'get', 200, () => call(`${url}/v2/health/ready`)],
      ['/v2/models/{name}', 'get', 200, () => call(`${url}/v2/models/mymodel`)],
      ['/v2/models/{name}', 'get', 404, () => call(`${url}/v2/models/none`)],
      ['/v2/models/{name}/ready', 'get', 200, () => call(`${url}/v2/models/mymodel/ready`)],
      [
        '/v2/models/{name}/client.json',
        'get',
        200,
        () => call(`${url}/v2/models/mymodel/client.json`),
      ],
      ['/v2/keys/{sha256}', 'get', 200, () => call(`${url}/v2/keys/${keyId}`)],
      ['/v2/keys/{sha256}', 'get', 404, () => call(`${url}/v2/keys/${other}`)],
      [
        '/v2/keys/{sha256}',
        'delete',
        404,
        () => call(`${url}/v2/keys/${other}`, { method: 'DELETE' }),
      ],
      [
        '/v2/keys/{sha256}',
        'put',
        200,
        () => putKeys(url, keyId, party.keys, { model: 'mymodel' }),
      ],
      [
        '/v2/keys/{sha256}',
        'put',
        422,
        () => putKeys(url, other, Uint8Array.of(1), { model: 'mymodel' }),
      ],
      ['/v2/keys/{sha256}', 'put', 404, () => putKeys(url, keyId, party.keys, { model: 'none' })],
      [
        '/v2/keys/{sha256}',
        'put',
        400,
        () => putKeys(url, keyId, party.keys, { model: 'mymodel', range: 'x' }),
      ],
      [
        '/v2/models/{name}/infer',
        'post',
        200,
        () => infer(url, request, { model: 'mymodel', keys: keyId }),
      ],
      [
        '/v2/models/{name}/infer',
        'post',
        404,
        () => infer(url, request, { model: 'mymodel', keys: other }),
      ],
      [
        '/v2/models/{name}/infer',
        'post',
        400,
        () => infer(url, new Uint8Array(9), { model: 'mymodel', keys: keyId }),
      ],
    ];
    const ajv = new Ajv({ schemaId: 'auto', unknownFormats: 'ignore' });
    for (const [path, method, status, send] of calls) {
      const answer = await send();
      expect({ path, method, status: answer.status }).toEqual({ path, method, status });
      const declared = paths[path]?.[method]?.responses[String(status)];
      expect(declared, `${method} ${path} ${status}`).toBeDefined();
      const schema = declared?.content?.['application/json']?.schema;
      if (answer.headers.get('content-type')?.startsWith('application/json') !== true) continue;
      expect(schema).toBeDefined();
      const valid = ajv.validate(schema!, answer.json);
      expect({ path, method, status, valid, errors: ajv.errors }).toMatchObject({ valid: true });
    }
  });
});

describe('for operators', () => {
  test('metrics tell requests, evaluations, bytes, the queue and refusals, and name no tenant or key', async () => {
    await infer(running.url, request, { model: 'mymodel', keys: party.keyId });
    const { bytes, headers } = await call(`${running.url}/metrics`);
    expect(headers.get('content-type')).toContain('text/plain');
    const metrics = new TextDecoder().decode(bytes);
    for (const line of [
      /^cipherloom_request_seconds_bucket\{le="\+Inf",method="POST",route="\/v2\/models\/:name\/infer",status="200"\} [1-9]/m,
      /^cipherloom_evaluation_seconds_count\{model="mymodel"\} [1-9]/m,
      /^cipherloom_received_bytes_total\{model="mymodel"\} [1-9]/m,
      /^cipherloom_sent_bytes_total\{model="mymodel"\} [1-9]/m,
      /^cipherloom_queue_capacity 1$/m,
      /^cipherloom_queue_waiting 0$/m,
      /^cipherloom_sessions 1$/m,
      /^cipherloom_stored_key_bytes [1-9]/m,
      /^process_resident_memory_bytes /m,
    ]) {
      expect(metrics).toMatch(line);
    }
    expect(metrics).not.toContain(party.keyId);
    expect(metrics).not.toContain('local');
  });

  test('the log has one line a request, with neither keys, ids nor bodies', async () => {
    await infer(running.url, request, { model: 'mymodel', keys: party.keyId, id: 'my-own-id' });
    const lines = running.log.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines).toContainEqual(
      expect.objectContaining({
        method: 'POST',
        route: '/v2/models/:name/infer',
        status: 200,
        tenant: 'local',
        msg: 'request',
      }),
    );
    const all = running.log.join('');
    expect(all).not.toContain(party.keyId);
    expect(all).not.toContain('my-own-id');
  });

  test('/ is a plain page with the models, without scripts', async () => {
    const { bytes, headers } = await call(`${running.url}/`);
    expect(headers.get('content-security-policy')).toContain("default-src 'none'");
    const page = new TextDecoder().decode(bytes);
    expect(page).toContain('mymodel');
    expect(page).toContain(dense.planHash.slice(0, 16));
    expect(page).not.toContain('<script');
  });

  test('pages of listed origins may call it, others not', async () => {
    const origin = 'https://app.example';
    await using open = await runService(
      { mymodel: join(folder, 'mymodel') },
      { corsOrigins: [origin] },
    );
    const preflight = (from: string) =>
      call(`${open.url}/v2/keys/${party.keyId}`, {
        method: 'OPTIONS',
        headers: {
          origin: from,
          'access-control-request-method': 'PUT',
          'access-control-request-headers': 'content-range,authorization',
        },
      });
    const allowed = await preflight(origin);
    expect(allowed.status).toBe(204);
    expect(allowed.headers.get('access-control-allow-origin')).toBe(origin);
    expect(allowed.headers.get('access-control-allow-methods')).toContain('PUT');
    expect(allowed.headers.get('access-control-allow-headers')).toContain('content-range');
    const refused = await preflight('https://other.example');
    expect(refused.headers.get('access-control-allow-origin')).toBeNull();
    const plain = await call(`${open.url}/v2`, { headers: { origin } });
    expect(plain.headers.get('access-control-allow-origin')).toBe(origin);
    expect(plain.headers.get('access-control-expose-headers')).toContain(
      'inference-header-content-length',
    );
    const closed = await call(`${running.url}/v2`, { headers: { origin } });
    expect(closed.headers.get('access-control-allow-origin')).toBeNull();
  });
});
