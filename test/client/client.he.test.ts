import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  Client,
  sharingCounterInMemory,
  type ClientPlan,
  type TensorLike,
} from '../../src/client/index.ts';
import type { Layout } from '../../src/layout/layout.ts';
import { writeSecretKeyFile } from '../../src/client/node/secret-key-file.ts';
import {
  EvaluationKeys,
  KeyLoader,
  SealContexts,
  SealEvaluator,
  ciphertextBlobBytes,
  ciphertextFileForm,
  loadSeal,
  memorySource,
  readCiphertextFile,
  readSealParameters,
  writeCiphertextFile,
} from '../../src/seal/index.ts';
import { leastGrowth } from '../support/memory.ts';
import { toyPlanHash, toyVector, worstBits } from '../seal/toy-parameters.ts';
import { primes, ringDegree, squarePlan } from './toy-plan.ts';

const input = squarePlan.inputs[0]!;
const output = squarePlan.outputs[0]!;

const planForm = { planHash: toyPlanHash, ringDegree, batch: 2 };
const inputForm = ciphertextFileForm('inputs', planForm, squarePlan.inputs);
const outputForm = ciphertextFileForm('outputs', planForm, squarePlan.outputs);

/** The server of this test: squares what it cannot read. Shares only bytes with the client. */
class Server implements Disposable {
  readonly #contexts: SealContexts;
  readonly #evaluator: SealEvaluator;
  readonly #keys: KeyLoader;

  private constructor(contexts: SealContexts, keys: EvaluationKeys) {
    this.#contexts = contexts;
    this.#evaluator = new SealEvaluator(contexts, 3);
    this.#keys = new KeyLoader(contexts, keys, { capBytes: 2 ** 26 });
  }

  static async create(evaluationKeys: Uint8Array<ArrayBuffer>): Promise<Server> {
    const parameters = readSealParameters(squarePlan.parameters);
    const binding = { planHash: toyPlanHash, parameters };
    const keys = await EvaluationKeys.open(memorySource(evaluationKeys), binding);
    await keys.verify();
    return new Server(new SealContexts(await loadSeal(), parameters), keys);
  }

  async run(request: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
    const { images, executions } = await readCiphertextFile(request, inputForm);
    const key = await this.#keys.load({ kind: 'relinearisation', step: 0, primeCount: 3 });
    const results = executions.map((execution) => {
      const form = { name: 'image', scale: input.scale, primeCount: 3, form: 'seeded' } as const;
      using x = this.#evaluator.load(execution[0]![0]!, form);
      using product = this.#evaluator.square(x);
      using small = this.#evaluator.relinearize(product, key);
      using y = this.#evaluator.rescale(small);
      this.#evaluator.setScale(y, output.scale);
      return [[this.#evaluator.save(y)]];
    });
    return writeCiphertextFile(outputForm, images, results);
  }

  [Symbol.dispose](): void {
    this.#keys[Symbol.dispose]();
    this.#evaluator[Symbol.dispose]();
    this.#contexts[Symbol.dispose]();
  }
}

let client: Client;
let server: Server;
let secretKey: Uint8Array<ArrayBuffer>;
let result: Uint8Array<ArrayBuffer>;

beforeAll(async () => {
  client = Client.load(JSON.stringify(squarePlan));
  const progress: number[] = [];
  const keys = await client.generateKeys({
    onProgress: ({ done, total }) => {
      expect(total).toBe(2);
      progress.push(done);
    },
  });
  secretKey = keys.secretKey;
  const evaluationKeys = await keys.evaluationKeys.bytes();
  expect(progress).toEqual([1, 2]);
  expect(evaluationKeys.length).toBe(client.evaluationKeyBytes);
  expect(evaluationKeys.length).toBe(keys.evaluationKeys.byteLength);
  server = await Server.create(evaluationKeys);
  result = await server.run(await client.encrypt({ image: toyVector(32) }));
});

afterAll(async () => {
  server[Symbol.dispose]();
  client[Symbol.dispose]();
  expect((await loadSeal()).liveHandles).toBe(0);
});

describe('encrypt, evaluate, decrypt', () => {
  test('one image', async () => {
    const x = toyVector(16, 7);
    const request = await client.encrypt({ image: x });
    expect(request.length).toBe(client.inputCiphertextBytes(1));
    const response = await server.run(request);
    expect(response.length).toBe(client.outputCiphertextBytes(1));
    const { squares } = await client.decrypt(response);
    expect(squares?.shape).toEqual([1, 16]);
    expect(
      worstBits(
        squares!.data,
        x.map((v) => v * v),
      ),
    ).toBeLessThan(-15);
  });

  test('five images take three executions of two', async () => {
    const x = Float32Array.from(toyVector(80, 8));
    const request = await client.encrypt({ image: { data: x, shape: [5, 1, 4, 4] } });
    const { executions } = await readCiphertextFile(request, inputForm);
    expect(executions.length).toBe(3);
    const { squares } = await client.decrypt(await server.run(request));
    expect(squares?.shape).toEqual([5, 16]);
    expect(
      worstBits(
        squares!.data,
        x.map((v) => v * v),
      ),
    ).toBeLessThan(-15);
  });

  test('slots of one ciphertext give what images in them give', async () => {
    const x = toyVector(32, 9);
    const slots = new Float64Array(ringDegree / 2);
    slots.set(x);
    const blob = await client.encryptSlots('image', slots);
    const request = await writeCiphertextFile(inputForm, 2, [[[blob]]]);
    const { squares } = await client.decrypt(await server.run(request));
    expect(
      worstBits(
        squares!.data,
        x.map((v) => v * v),
      ),
    ).toBeLessThan(-15);
    const refused = { code: 'INPUT_INVALID' };
    await expect(client.encryptSlots('other', slots)).rejects.toMatchObject(refused);
    await expect(client.encryptSlots('image', slots.slice(1))).rejects.toMatchObject(refused);
    slots[3] = input.range[1] + 1;
    await expect(client.encryptSlots('image', slots)).rejects.toMatchObject(refused);
    slots[3] = NaN;
    await expect(client.encryptSlots('image', slots)).rejects.toMatchObject(refused);
  });

  test('the same input never gives the same ciphertext', async () => {
    const x = { image: toyVector(16) };
    expect(await client.encrypt(x)).not.toEqual(await client.encrypt(x));
  });

  test('another client with the exported key reads the result', async () => {
    using other = Client.load(squarePlan);
    await other.importSecretKey(secretKey);
    expect(await other.exportSecretKey()).toEqual(secretKey);
    const { squares } = await other.decrypt(result);
    expect(squares?.shape).toEqual([2, 16]);
  });

  test('postprocess steps happen here', async () => {
    const finishing: ClientPlan = {
      ...squarePlan,
      outputs: [
        {
          ...output,
          postprocess: [
            { op: 'softmax', axis: 1 },
            { op: 'argMax', axis: -1 },
          ],
        },
      ],
    };
    using other = Client.load(finishing);
    await other.importSecretKey(secretKey);
    const { squares } = await other.decrypt(result);
    const x = toyVector(32);
    const best = (from: number): number => {
      const squared = Array.from(x.subarray(from, from + 16), (v) => v * v);
      return squared.indexOf(Math.max(...squared));
    };
    expect(squares).toEqual({ shape: [2], data: Float64Array.of(best(0), best(16)) });
  });

  test('nobody without the key reads it', async () => {
    using stranger = Client.load(squarePlan);
    await expect(stranger.decrypt(result)).rejects.toMatchObject({ code: 'SECRET_KEY_INVALID' });
    await stranger.generateKeys();
    await expect(stranger.decrypt(result)).rejects.toMatchObject({
      code: 'CIPHERTEXT_INVALID',
      details: { bound: 1 },
    });
  });

  test('a result with values in slots that hold no element is none: it wrapped', async () => {
    const layout: Layout = {
      ...output.layout,
      shape: [1, 8],
      digits: output.layout.digits.map((digit) => (digit.of === 1 ? { ...digit, size: 8 } : digit)),
    };
    // Half of the squares stand where this client expects zeros.
    using other = Client.load({
      ...squarePlan,
      outputs: [{ ...output, shape: [1, 8], layout, bound: 0.25 }],
    });
    await other.importSecretKey(secretKey);
    await expect(other.decrypt(result)).rejects.toMatchObject({
      code: 'CIPHERTEXT_INVALID',
      message: expect.stringContaining('holds no element, is not zero') as string,
      details: { ciphertext: 0, bound: 0.25, limit: 0.125 },
    });
  });

  test('without a slot that must be zero, a value beyond the bound is no result', async () => {
    const of = (digits: Layout['digits'], bound: number): Client =>
      Client.load({
        ...squarePlan,
        outputs: [{ ...output, layout: { ...output.layout, digits }, bound }],
      });
    // The largest square is nearly 1.
    const bound = 0.5;
    const copies = { of: 1, size: 128, step: 0, place: 'slot', stride: 32 } as const;
    using full = of([...output.layout.digits, copies], bound);
    await full.importSecretKey(secretKey);
    await expect(full.decrypt(result)).rejects.toMatchObject({
      code: 'CIPHERTEXT_INVALID',
      message: expect.stringContaining('every slot holds an element') as string,
      details: { bound },
    });
    using within = of([...output.layout.digits, copies], 1);
    await within.importSecretKey(secretKey);
    await expect(within.decrypt(result)).resolves.toBeDefined();
    // Where other slots show that nothing wrapped it is given out.
    using spare = of(output.layout.digits, bound);
    await spare.importSecretKey(secretKey);
    await expect(spare.decrypt(result)).resolves.toBeDefined();
  });

  test('a result of another number of images than were encrypted', async () => {
    await expect(client.decrypt(result, { images: 2 })).resolves.toBeDefined();
    await expect(client.decrypt(result, { images: 1 })).rejects.toMatchObject({
      code: 'CIPHERTEXT_INVALID',
      details: { got: 2, expected: 1 },
    });
  });

  test('P4: a shared result is rounded, near the exact one, and the same for two ciphertexts of one message', async () => {
    // Squares of quarters are multiples of the step.
    const x = Float64Array.from({ length: 16 }, (_, i) => ((i % 9) - 4) / 4);
    const shared = await Promise.all(
      [1, 2].map(async () => {
        const response = await server.run(await client.encrypt({ image: x }));
        return client.decryptForSharing(response, 4, { counter: sharingCounterInMemory() });
      }),
    );
    for (const { outputs, shared: count } of shared) {
      expect(count).toBe(1);
      expect(outputs['squares']).toMatchObject({ step: 1 / 16, shape: [1, 16] });
      expect(outputs['squares']?.data).toEqual(x.map((value) => value * value));
    }
  });

  test('P5: a key that has shared enough shares no more, and a refused result shows nothing', async () => {
    const counter = sharingCounterInMemory();
    const share = (bits: number) =>
      client.decryptForSharing(result, bits, { counter, maxShared: 1 });
    await expect(share(12)).rejects.toMatchObject({ code: 'SHARING_REFUSED' });
    await expect(share(4)).resolves.toMatchObject({ shared: 1 });
    await expect(share(4)).rejects.toMatchObject({ code: 'SHARING_REFUSED' });
  });

  test('generating keys can be aborted', async () => {
    using other = Client.load(squarePlan);
    const abort = new AbortController();
    const { evaluationKeys } = await other.generateKeys({
      signal: abort.signal,
      onProgress: () => {
        abort.abort(new Error('enough'));
      },
    });
    await expect(evaluationKeys.bytes()).rejects.toThrow('enough');
    await expect(other.generateKeys({ signal: abort.signal })).rejects.toThrow('enough');
  });
});

describe('J1: inputs are refused before WebAssembly sees them', () => {
  const bad = (name: string, value: number): [string, TensorLike, RegExp] => {
    const data = toyVector(32);
    data[21] = value;
    return [name, data, /input "image": value .* at \[0, 0, 1, 1\] of image 1 is/];
  };
  const cases: [string, TensorLike, RegExp][] = [
    bad('NaN', NaN),
    bad('Infinity', Infinity),
    bad('−Infinity', -Infinity),
    bad('1e300', 1e300),
    bad('1.01 × the range', 1.01),
    ['wrong length', new Float64Array(17), /17 values, one image of shape \[1, 1, 4, 4\] has 16/],
    ['empty', new Float64Array(0), /0 values/],
    ['wrong shape', { data: new Float64Array(16), shape: [4, 4] }, /shape \[4, 4\] with 16 values/],
    ['shape that lies', { data: new Float64Array(16), shape: [2, 1, 4, 4] }, /16 values is not/],
    ['plain list', [1, 2] as unknown as TensorLike, /not a Float32Array or Float64Array/],
    ['integers', new Int32Array(16) as unknown as TensorLike, /not a Float32Array/],
    ['null', null as unknown as TensorLike, /not a Float32Array/],
  ];
  test.each(cases)('%s', async (_name, tensor, message) => {
    const refused = client.encrypt({ image: tensor });
    await expect(refused).rejects.toMatchObject({ code: 'INPUT_INVALID', node: 'image' });
    await expect(refused).rejects.toThrow(message);
  });

  test('missing and unknown names', async () => {
    await expect(client.encrypt({})).rejects.toThrow(/it is missing/);
    const image = toyVector(16);
    await expect(client.encrypt({ image, extra: image })).rejects.toThrow(/no input "extra"/);
    await expect(
      client.encrypt(JSON.parse('{"__proto__": null, "constructor": 1}') as never),
    ).rejects.toMatchObject({ code: 'INPUT_INVALID' });
  });

  test('−0, denormals, shared memory and float32 bounds are fine', async () => {
    const shared = new Float64Array(new SharedArrayBuffer(128));
    shared.set([-0, 5e-324, 1, -1]);
    await expect(client.encrypt({ image: shared })).resolves.toBeInstanceOf(Uint8Array);
    using tenth = Client.load({ ...squarePlan, inputs: [{ ...input, range: [0, 0.1] }] });
    await tenth.importSecretKey(secretKey);
    // 0.1 is above 0.1 in float32.
    await expect(tenth.encrypt({ image: new Float32Array(16).fill(0.1) })).resolves.toBeInstanceOf(
      Uint8Array,
    );
  });
});

/** A result with a byte, or several, changed after its checksum was made anew. */
async function tampered(
  change: (blob: Uint8Array, view: DataView) => void,
): Promise<Uint8Array<ArrayBuffer>> {
  const { images, executions } = await readCiphertextFile(result, outputForm);
  const blob = executions[0]![0]![0]!.slice();
  change(blob, new DataView(blob.buffer));
  return writeCiphertextFile(outputForm, images, [[[blob]]]);
}

describe('B8: results are refused before WebAssembly sees them', () => {
  const blobBytes = outputForm.tensors[0]!.blobBytes;
  const cases: [string, () => Promise<Uint8Array<ArrayBuffer>>, string, RegExp][] = [
    [
      'another plan',
      async () =>
        writeCiphertextFile({ ...outputForm, planHash: 'ab'.repeat(32) }, 2, [
          [[new Uint8Array(blobBytes)]],
        ]),
      'PLAN_MISMATCH',
      /plan abababababab/,
    ],
    [
      'inputs for outputs',
      () => client.encrypt({ image: toyVector(16) }),
      'CIPHERTEXT_INVALID',
      /kind/,
    ],
    [
      'another level',
      async () => {
        const bytes = ciphertextBlobBytes(ringDegree, 3, 'expanded');
        const tensors = [{ name: 'squares', ciphertexts: 1, blobBytes: bytes }];
        return writeCiphertextFile({ ...outputForm, tensors }, 2, [[[new Uint8Array(bytes)]]]);
      },
      'CIPHERTEXT_TRUNCATED',
      /bytes, expected/,
    ],
    [
      'two ciphertexts for one',
      async () => {
        const tensors = [{ name: 'squares', ciphertexts: 2, blobBytes }];
        const blobs = [new Uint8Array(blobBytes), new Uint8Array(blobBytes)];
        return writeCiphertextFile({ ...outputForm, tensors }, 2, [[blobs]]);
      },
      'CIPHERTEXT_TRUNCATED',
      /bytes, expected/,
    ],
    [
      'another name',
      async () =>
        writeCiphertextFile(
          { ...outputForm, tensors: [{ name: 'squarez', ciphertexts: 1, blobBytes }] },
          2,
          [[[new Uint8Array(blobBytes)]]],
        ),
      'CIPHERTEXT_INVALID',
      /not named "squares"/,
    ],
    ['truncated', async () => result.slice(0, -1), 'CIPHERTEXT_TRUNCATED', /bytes, expected/],
    ['half', async () => result.slice(0, result.length / 2), 'CIPHERTEXT_TRUNCATED', /bytes/],
    ['empty', async () => new Uint8Array(), 'CIPHERTEXT_INVALID', /not a ciphertext file/],
    ['one byte', async () => Uint8Array.of(1), 'CIPHERTEXT_INVALID', /not a ciphertext file/],
    [
      'trailing bytes',
      async () => {
        const longer = new Uint8Array(result.length + 3);
        longer.set(result);
        return longer;
      },
      'CIPHERTEXT_TRUNCATED',
      /bytes, expected/,
    ],
    [
      'a flipped bit',
      async () => {
        const copy = result.slice();
        copy[copy.length >> 1]! ^= 4;
        return copy;
      },
      'CIPHERTEXT_INVALID',
      /checksum/,
    ],
    [
      'scale half a unit off',
      () =>
        tampered((_, view) => {
          view.setFloat64(73, output.scale * (1 + 2 ** -52), true);
        }),
      'CIPHERTEXT_INVALID',
      /scale is/,
    ],
    [
      'transparent',
      () => tampered((blob) => blob.fill(0, 113 + 2 * 8 * ringDegree)),
      'CIPHERTEXT_INVALID',
      /transparent/,
    ],
    [
      'a coefficient at its prime',
      () =>
        tampered((_, view) => {
          view.setBigUint64(113 + 8 * ringDegree, primes[1]!, true);
        }),
      'CIPHERTEXT_INVALID',
      new RegExp(`coefficient ${ringDegree} is ${primes[1]!}`),
    ],
  ];
  test.each(cases)('%s', async (_name, make, code, message) => {
    const bytes = await make();
    const live = (await loadSeal()).liveHandles;
    const refused = client.decrypt(bytes);
    await expect(refused).rejects.toMatchObject({ code });
    await expect(refused).rejects.toThrow(message);
    expect((await loadSeal()).liveHandles).toBe(live);
  });

  test('and the good one still decrypts', async () => {
    const { squares } = await client.decrypt(await tampered(() => undefined));
    expect(squares?.data.length).toBe(32);
  });
});

describe('secret key files', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cipherloom-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  test('are readable by their owner only and not overwritten', async () => {
    const path = join(folder, 'secret.key');
    await writeSecretKeyFile(path, secretKey);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(new Uint8Array(await readFile(path))).toEqual(secretKey);
    await expect(writeSecretKeyFile(path, secretKey)).rejects.toMatchObject({
      code: 'FILE_EXISTS',
    });
    await expect(
      writeSecretKeyFile(join(folder, 'none', 'secret.key'), secretKey),
    ).rejects.toMatchObject({ code: 'FILE_UNWRITABLE' });
  });

  const cases: [string, (key: Uint8Array<ArrayBuffer>) => Uint8Array, RegExp][] = [
    ['empty', () => new Uint8Array(), /not a secret key file/],
    ['truncated', (key) => key.subarray(0, -1), /bytes, expected/],
    ['longer', (key) => Uint8Array.of(...key.subarray(0, 100), ...key), /bytes, expected/],
    [
      'of another plan',
      (key) => {
        key[20]! ^= 1;
        return key;
      },
      /another plan/,
    ],
    [
      'of other parameters',
      (key) => {
        key[50]! ^= 1;
        return key;
      },
      /other parameters/,
    ],
    [
      'of a newer format',
      (key) => {
        key[8] = 2;
        return key;
      },
      /format version is 2/,
    ],
    [
      'damaged',
      (key) => {
        key[5000]! ^= 1;
        return key;
      },
      /checksum/,
    ],
  ];
  test.each(cases)('%s: refused, key in use kept', async (name, damage, message) => {
    const bytes =
      name === 'longer' ? new Uint8Array(secretKey.length + 1) : damage(secretKey.slice());
    if (name === 'longer') bytes.set(secretKey);
    const refused = client.importSecretKey(bytes);
    await expect(refused).rejects.toMatchObject({ code: 'SECRET_KEY_INVALID' });
    await expect(refused).rejects.toThrow(message);
    expect(client.hasSecretKey).toBe(true);
  });
});

/** (module (func (export "trap") unreachable)) */
const trapModule = Uint8Array.of(
  ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01, 0x04, 0x01, 0x60, 0x00, 0x00],
  ...[0x03, 0x02, 0x01, 0x00, 0x07, 0x08, 0x01, 0x04, 0x74, 0x72, 0x61, 0x70, 0x00, 0x00],
  ...[0x0a, 0x05, 0x01, 0x03, 0x00, 0x00, 0x0b],
);

interface WebAssemblyApi {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: { readonly trap: () => void } };
}

test('J2: after a trap the client goes on with a new instance', async () => {
  const { Module, Instance } = (globalThis as unknown as { WebAssembly: WebAssemblyApi })
    .WebAssembly;
  const { trap } = new Instance(new Module(trapModule)).exports;
  using other = Client.load(squarePlan);
  await other.importSecretKey(secretKey);
  const request = await other.encrypt({ image: toyVector(16) });

  const before = await loadSeal();
  expect(() => {
    before.call('squaring', trap);
  }).toThrow(/squaring: SEAL stopped: unreachable/);
  expect(before.lost).toBe(true);
  expect(() => before.call('adding', () => 1)).toThrow(/adding: the WebAssembly instance failed/);
  // The server of this test holds objects of the lost instance; it says so and never uses them.
  await expect(server.run(request)).rejects.toMatchObject({ code: 'SEAL_FAILED' });

  const { squares } = await other.decrypt(result);
  expect(squares?.data.length).toBe(32);
  expect(await loadSeal()).not.toBe(before);
});

test('memory is flat over 100 inferences', async () => {
  using other = Client.load(squarePlan);
  const { evaluationKeys } = await other.generateKeys();
  using evaluator = await Server.create(await evaluationKeys.bytes());
  const infer = async (): Promise<void> => {
    const request = await other.encrypt({ image: toyVector(32) });
    await other.decrypt(await evaluator.run(request));
  };
  for (let i = 0; i < 20; i++) await infer();
  const instance = await loadSeal();
  const handles = instance.liveHandles;
  const hundred = async (): Promise<void> => {
    for (let i = 0; i < 100; i++) await infer();
  };
  // One ciphertext of three primes left behind a round would be 40 MB.
  const enough = 32e6;
  expect(await leastGrowth(hundred, { windows: 3, enough })).toBeLessThan(enough);
  expect(instance.liveHandles).toBe(handles);
});
