/** A server in this process, with small models, keys and requests for them. */
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { Client } from '../../../src/client/index.ts';
import { compile } from '../../../src/index.ts';
import { clientPlanText } from '../../../src/backend/plan/client-plan.ts';
import type { CompiledModel } from '../../../src/index.ts';
import { expandedKeys, KeyStore } from '../../../src/server/keys/key-store.ts';
import { loadModels } from '../../../src/server/models/served-model.ts';
import type { ServedModel } from '../../../src/server/models/served-model.ts';
import type { JobQueue } from '../../../src/server/queue/job-queue.ts';
import { openLocalQueue } from '../../../src/server/queue/open-queue.ts';
import { startService } from '../../../src/server/service.ts';
import type { Service, ServiceLimits, ServiceOptions } from '../../../src/server/service.ts';
import { oneTenant } from '../../../src/server/tenants/tenants.ts';
import { encodeModel, filled } from '../../support/onnx-model.ts';
import type { TestModel } from '../../support/onnx-model.ts';
import { randomSource } from '../../support/random.ts';

export type Bytes = Uint8Array<ArrayBuffer>;

const random = randomSource(5);

/** Two dense layers with a square between them: relinearisation and rotations. */
const dense: TestModel = {
  inputs: { x: [1, 8] },
  outputs: ['y'],
  initializers: { a: filled([8, 4], random, -0.5, 0.5), b: filled([4, 2], random, -0.5, 0.5) },
  nodes: [
    { op: 'Gemm', inputs: ['x', 'a'], outputs: ['h'] },
    { op: 'Mul', inputs: ['h', 'h'], outputs: ['s'] },
    { op: 'Gemm', inputs: ['s', 'b'], outputs: ['y'] },
  ],
};

/** x · p + q, of which the server knows p and q. */
const scaled: TestModel = {
  inputs: { x: [1, 6], p: [1, 6], q: [6] },
  outputs: ['y'],
  nodes: [
    { op: 'Mul', inputs: ['x', 'p'], outputs: ['m'] },
    { op: 'Add', inputs: ['m', 'q'], outputs: ['y'] },
  ],
};

// DISCLAIMER: this ring protects nothing; it makes tests fast.
const toy = (...primeBits: readonly number[]) => ({
  insecure: true,
  ringDegree: 4096,
  primeBits,
});

export const compileDense = (specialBits = 50): Promise<CompiledModel> =>
  compile(
    { bytes: encodeModel(dense), name: 'dense' },
    { options: toy(50, 40, 40, 40, specialBits) },
  );
export const compileScaled = (): Promise<CompiledModel> =>
  compile(
    { bytes: encodeModel(scaled), name: 'scaled' },
    { options: toy(50, 40, 50), publicInputs: ['p', 'q'] },
  );

/** Write a plan folder as `compile` does. */
export function writePlanFolder(folder: string, { plan, client }: CompiledModel): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'model.loom'), plan);
  writeFileSync(join(folder, 'client.json'), clientPlanText(client));
}

export const sha256 = (bytes: Uint8Array): string =>
  createHash('sha256').update(bytes).digest('hex');

/** One who has keys for a model. */
export class Party implements Disposable {
  readonly client: Client;
  readonly keys: Bytes;
  readonly keyId: string;
  readonly secretKey: Bytes;

  private constructor(client: Client, keys: Bytes, secretKey: Bytes) {
    this.client = client;
    this.keys = keys;
    this.keyId = sha256(keys);
    this.secretKey = secretKey;
  }

  static async of({ client: plan }: Pick<CompiledModel, 'client'>): Promise<Party> {
    const client = Client.load(plan);
    const { secretKey, evaluationKeys } = await client.generateKeys();
    return new Party(client, await evaluationKeys.bytes(), secretKey);
  }

  [Symbol.dispose](): void {
    this.client[Symbol.dispose]();
  }
}

export interface Running extends AsyncDisposable {
  readonly url: string;
  readonly service: Service;
  readonly keyFolder: string;
  readonly models: ReadonlyMap<string, ServedModel>;
  readonly queue: JobQueue;
  /** Lines of the log. */
  readonly log: readonly string[];
}

export interface RunningOptions extends Partial<Omit<ServiceOptions, 'limits' | 'queue'>> {
  readonly limits?: Partial<ServiceLimits>;
  readonly capacity?: number;
  readonly keyFolder?: string;
  readonly maxKeyBytes?: number;
  readonly tenantBytes?: number;
  readonly keepMs?: number;
  readonly keepPartialMs?: number;
  readonly maxMemoryBytes?: number;
  readonly host?: string;
  /** What stands before the queue that evaluates. */
  readonly inFrontOf?: (queue: JobQueue) => JobQueue;
}

/** Start a server of plan folders, `NAME=FOLDER`, on a free port. */
export async function runService(
  folders: Readonly<Record<string, string>>,
  options: RunningOptions = {},
): Promise<Running> {
  const { limits, capacity = 1, keyFolder, host = '127.0.0.1', ...rest } = options;
  const temporary = keyFolder ?? mkdtempSync(join(tmpdir(), 'cipherloom keys '));
  const models = await loadModels(
    Object.entries(folders).map(([name, folder]) => ({ name, folder })),
    { insecure: true },
  );
  const keys = await KeyStore.open({
    folder: temporary,
    maxKeyBytes: options.maxKeyBytes ?? 2 ** 30,
    tenantBytes: options.tenantBytes ?? 2 ** 30,
    keepMs: options.keepMs ?? 3600_000,
    keepPartialMs: options.keepPartialMs ?? 3600_000,
  });
  const { queue: local, held } = await openLocalQueue({
    models,
    capacity,
    backend: 'auto',
    maxMemoryBytes: options.maxMemoryBytes ?? null,
    keyCacheFolder: join(temporary, expandedKeys),
  });
  const queue = options.inFrontOf?.(local) ?? local;
  const log: string[] = [];
  const service = await startService(
    {
      version: '1.2.3',
      models,
      queue,
      keys,
      tenants: oneTenant,
      corsOrigins: [],
      tls: null,
      held,
      logger: pino({ level: 'info' }, { write: (line: string) => void log.push(line) }),
      ...rest,
      limits: {
        queueLength: 8,
        tenantRequests: Infinity,
        maxBodyBytes: 2 ** 28,
        maxAnswerBytes: 2 ** 24,
        maxRequestBytes: 2 ** 26,
        deadlineMs: null,
        bodyTimeoutMs: 10_000,
        headersTimeoutMs: 10_000,
        ...limits,
      },
    },
    { host, port: 0 },
  );
  let stopped = false;
  return {
    url: service.url,
    keyFolder: temporary,
    models,
    queue,
    log,
    service: {
      url: service.url,
      async stop(how) {
        stopped = true;
        await service.stop(how);
      },
    },
    async [Symbol.asyncDispose]() {
      if (!stopped) await service.stop({ delayMs: 0, timeoutMs: 0 });
      if (keyFolder === undefined) rmSync(temporary, { recursive: true, force: true });
    },
  };
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Bytes;
  /** The JSON of the body, where it is one. */
  readonly json: Readonly<Record<string, unknown>>;
}

export async function call(url: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(url, init);
  const bytes = new Uint8Array(await response.arrayBuffer());
  const isJson = response.headers.get('content-type')?.startsWith('application/json') === true;
  const json = isJson
    ? (JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>)
    : {};
  return { status: response.status, headers: response.headers, bytes, json };
}

const octets = { 'content-type': 'application/octet-stream' };

/** Upload keys, whole or a part of them. */
export function putKeys(
  url: string,
  id: string,
  bytes: Bytes,
  {
    model = 'dense',
    range,
    headers = {},
  }: {
    readonly model?: string;
    readonly range?: string;
    readonly headers?: Readonly<Record<string, string>>;
  } = {},
): Promise<Answer> {
  return call(`${url}/v2/keys/${id}?model=${model}`, {
    method: 'PUT',
    body: bytes,
    headers: { ...octets, ...(range === undefined ? {} : { 'content-range': range }), ...headers },
  });
}

export interface InferFields {
  readonly model?: string;
  readonly id?: string;
  readonly keys: string;
  readonly plan?: string;
  readonly inputs?: readonly unknown[];
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** A length in 4 bytes, and the bytes. */
export function bytesElement(bytes: Uint8Array): Bytes {
  const element = new Uint8Array(4 + bytes.length);
  new DataView(element.buffer).setUint32(0, bytes.length, true);
  element.set(bytes, 4);
  return element;
}

export function concat(...parts: readonly Uint8Array[]): Bytes {
  return new Uint8Array(Buffer.concat(parts));
}

/** The JSON and the tensors of a request. */
export function inferBody(
  ciphertext: Uint8Array,
  fields: InferFields,
): { json: Bytes; body: Bytes } {
  const tensor = bytesElement(ciphertext);
  const json = new TextEncoder().encode(
    JSON.stringify({
      ...(fields.id === undefined ? {} : { id: fields.id }),
      parameters: {
        keys: fields.keys,
        ...(fields.plan === undefined ? {} : { plan: fields.plan }),
      },
      inputs: fields.inputs ?? [
        {
          name: 'ciphertext',
          shape: [1],
          datatype: 'BYTES',
          parameters: { binary_data_size: tensor.length },
        },
      ],
    }),
  );
  return { json, body: concat(json, tensor) };
}

/** Send a request. */
export function infer(url: string, ciphertext: Uint8Array, fields: InferFields): Promise<Answer> {
  const { json, body } = inferBody(ciphertext, fields);
  return postInfer(url, json.length, body, fields);
}

/** Send JSON and tensors as they are. */
export function postInfer(
  url: string,
  headerBytes: number,
  body: Bytes,
  { model = 'dense', headers = {}, signal }: Partial<InferFields> = {},
): Promise<Answer> {
  return call(`${url}/v2/models/${model}/infer`, {
    method: 'POST',
    body,
    headers: { ...octets, 'inference-header-content-length': String(headerBytes), ...headers },
    ...(signal === undefined ? {} : { signal }),
  });
}

/** The ciphertext file of an answer. */
export function answerCiphertext({ headers, bytes }: Answer): Bytes {
  const header = Number(headers.get('inference-header-content-length'));
  const length = new DataView(bytes.buffer).getUint32(header, true);
  return bytes.slice(header + 4, header + 4 + length);
}

/** Wait until a condition holds. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  timeoutMs = 20_000,
): Promise<void> {
  const end = performance.now() + timeoutMs;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error('the condition did not come true');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
