import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { measureMemory } from '../../src/backend/execute/measure-memory.ts';
import { prepareProgram } from '../../src/backend/execute/prepare-program.ts';
import { clientPlan, clientPlanText } from '../../src/backend/plan/client-plan.ts';
import { currentProducer } from '../../src/backend/plan/producer.ts';
import { writePlan, type WrittenPlan } from '../../src/backend/plan/write-plan.ts';
import { Client } from '../../src/client/index.ts';
import { mapFromEntries, type LinearMap } from '../../src/ir/linear-map.ts';
import type { LinearMethod } from '../../src/ir/packed/diagonals.ts';
import type { Modulus, Program } from '../../src/ir/program.ts';
import type { Layout } from '../../src/layout/layout.ts';
import { loadSeal } from '../../src/seal/index.ts';
import { InferenceSession } from '../../src/server/index.ts';
import { batchLayout, layoutOf, rowLayout, toyBuilder, toyModulus } from '../backend/toy-ckks.ts';
import { encryptedBackends } from '../support/backends.ts';
import { randomSource, randomValues } from '../support/random.ts';

/**
 * DISCLAIMER: toy parameters, stamped insecure. They exercise the code on rings that start quickly
 * and protect nothing.
 */
const ringDegree = 4096;
const slots = ringDegree / 2;
const modulus = toyModulus(ringDegree, 5, 38);

interface Deployment extends Disposable {
  readonly written: WrittenPlan;
  readonly client: Client;
  readonly keys: Uint8Array<ArrayBuffer>;
}

/** What compile and keygen do: a plan, its client, fresh keys. */
async function deploy(program: Program, insecure = true): Promise<Deployment> {
  const plan = {
    program,
    facts: {
      producer: currentProducer(),
      modelDigest: null,
      securityTarget: 128,
      insecure,
      precisionBits: 12,
      peakCiphertextBytes: await measureMemory(prepareProgram(program)),
      rangeEscape: null,
    } as const,
  };
  const written = writePlan(plan);
  const client = Client.load(clientPlanText(clientPlan(plan, written.hash)));
  const { evaluationKeys } = await client.generateKeys();
  const keys = await evaluationKeys.bytes();
  return {
    written,
    client,
    keys,
    [Symbol.dispose]() {
      client[Symbol.dispose]();
    },
  };
}

/** Encrypted and clear results of a program on images. */
async function compare(
  backend: 'seal' | 'native',
  program: Program,
  images: readonly Float64Array<ArrayBuffer>[],
  insecure = true,
): Promise<{ readonly bits: number; readonly encrypted: Float64Array[] }> {
  using deployment = await deploy(program, insecure);
  const { written, client, keys } = deployment;
  await using session = await InferenceSession.create(written.bytes, {
    backend,
    evaluationKeys: keys,
  });
  expect(session.backend).toBe(backend);
  await using clear = await InferenceSession.create(written.bytes, { backend: 'clear' });
  expect(session.inputNames).toEqual(['x']);
  expect(session.outputNames).toEqual(['y']);
  const elements = images[0]?.length ?? 0;
  const data = new Float64Array(images.length * elements);
  images.forEach((image, n) => {
    data.set(image, n * elements);
  });
  const request = await client.encrypt({ x: { data, shape: [images.length, elements] } });
  const response = await session.run(request);
  expect(response.length).toBe(client.outputCiphertextBytes(images.length));
  const { y } = await client.decrypt(response);
  const reference = (await clear.runClear(new Map([['x', images]]))).get('y') ?? [];
  const width = reference[0]?.length ?? 0;
  let worst = 0;
  let largest = 0;
  const encrypted = reference.map((image, n) => {
    const got = (y?.data ?? new Float64Array()).subarray(n * width, (n + 1) * width);
    expect(got.length).toBe(width);
    image.forEach((want, k) => {
      worst = Math.max(worst, Math.abs(want - got[k]!));
      largest = Math.max(largest, Math.abs(want));
    });
    return Float64Array.from(got);
  });
  return { bits: -Math.log2(worst / largest), encrypted };
}

function randomMap(random: () => number, out: number, input: number, density = 1): LinearMap {
  const outs: number[] = [];
  const ins: number[] = [];
  const values: number[] = [];
  for (let o = 0; o < out; o++) {
    for (let i = 0; i < input; i++) {
      if (random() >= density) continue;
      outs.push(o);
      ins.push(i);
      values.push((2 * random() - 1) / Math.sqrt(input));
    }
  }
  return mapFromEntries([1, input], [1, out], outs, ins, values);
}

/** linear → add → square → linear, with a method for both maps. */
function network(
  input: Layout,
  hidden: Layout,
  output: Layout,
  method: LinearMethod,
  seed: number,
  over: Modulus = modulus,
): Program {
  const random = randomSource(seed);
  const toy = toyBuilder(over, 'network');
  const size = (layout: Layout): number => layout.shape[1] ?? 0;
  const x = toy.input('x', input, Math.min(4, over.primes.length - 1));
  const first = randomMap(random, size(hidden), size(input));
  const second = randomMap(random, size(output), size(hidden));
  const a = toy.rescale(toy.linear([x], [first], hidden, method));
  const b = toy.square(toy.addConstant(a, [...randomValues(random, size(hidden), -0.5, 0.5)]));
  const c = toy.rescale(toy.linear([b], [second], output, method));
  return toy.finish({ y: toy.addConstant(c, [...randomValues(random, size(output))]) });
}

const images = (count: number, elements: number, seed = 11): Float64Array<ArrayBuffer>[] => {
  const random = randomSource(seed);
  return Array.from({ length: count }, () => randomValues(random, elements));
};

const folders: string[] = [];
afterAll(async () => {
  await Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true })));
});

describe.each(encryptedBackends)('encrypted inference on %s', (backend) => {
  it('runs a network with baby and giant steps in one ciphertext', async () => {
    const method = { giantStep: 6, fold: null };
    const layout = (n: number): Layout => rowLayout(n, slots);
    const { bits } = await compare(
      backend,
      network(layout(40), layout(24), layout(10), method, 1),
      images(3, 40),
    );
    expect(bits).toBeGreaterThan(14);
  });

  it('runs at 128 bits of security', async () => {
    // 44 + 3 · 34 + 58 bits; the table allows 214 at ring degree 8192.
    const secure = toyModulus(8192, 3, 34);
    const layout = (n: number): Layout => rowLayout(n, 4096);
    const method = { giantStep: 4, fold: null };
    const program = network(layout(16), layout(16), layout(8), method, 8, secure);
    const { bits } = await compare(backend, program, images(1, 16), false);
    expect(bits).toBeGreaterThan(12);
  });

  it('folds, copies, gaps, several ciphertexts and a batch', async () => {
    const batch = { of: 'batch' as const, size: 2, step: 1, place: 'slot' as const, stride: 1024 };
    const input = layoutOf(40, slots, [
      { of: 1, size: 2, step: 20, place: 'ciphertext', stride: 1 },
      { of: 1, size: 20, step: 1, place: 'slot', stride: 3 },
      { of: 'copy', size: 4, step: 0, place: 'slot', stride: 64 },
      batch,
    ]);
    const hidden = layoutOf(24, slots, [
      { of: 1, size: 3, step: 8, place: 'ciphertext', stride: 1 },
      { of: 1, size: 8, step: 1, place: 'slot', stride: 8 },
      batch,
    ]);
    const output = layoutOf(5, slots, [
      { of: 1, size: 5, step: 1, place: 'slot', stride: 1 },
      batch,
    ]);
    const method = { giantStep: 16, fold: { step: 256, count: 4 } };
    const { bits } = await compare(
      backend,
      network(input, hidden, output, method, 2),
      images(5, 40),
    );
    expect(bits).toBeGreaterThan(14);
  });

  it('runs a batch with a feature a ciphertext', async () => {
    const layout = (n: number): Layout => batchLayout(n, slots);
    const program = network(layout(12), layout(9), layout(4), { giantStep: 0, fold: null }, 3);
    const { bits } = await compare(backend, program, images(slots + 3, 12));
    expect(bits).toBeGreaterThan(14);
  });

  it('runs branches: products, differences and constants at several levels', async () => {
    const random = randomSource(4);
    const toy = toyBuilder(modulus, 'branches');
    const layout = rowLayout(16, slots);
    const x = toy.input('x', layout, 4);
    const a = toy.rescale(toy.linear([x], [randomMap(random, 16, 16, 0.3)], layout));
    const b = toy.multiplyConstant(x, [...randomValues(random, 16)]);
    const product = toy.builder.add('ckks.multiply', [a, b], {});
    const c = toy.rescale(toy.builder.add('ckks.relinearize', [product], {}));
    // Two branches of one scale: both return to the waterline.
    const d = toy.multiplyConstant(c, [0.5]);
    const e = toy.levelDrop(a, 1);
    const f = toy.builder.add('ckks.sub', [d, e], {});
    const program = toy.finish({ y: toy.builder.add('ckks.add', [f, e], {}) });
    const { bits } = await compare(backend, program, images(2, 16));
    expect(bits).toBeGreaterThan(14);
  });

  it('hides outputs of zero weights, and of weights that round to zero', async () => {
    for (const layout of [rowLayout(4, slots), batchLayout(4, slots, 8)]) {
      for (const weight of [0, 1e-30]) {
        const toy = toyBuilder(modulus, 'zeros');
        const x = toy.input('x', layout, 2);
        const map =
          weight === 0
            ? mapFromEntries([1, 4], [1, 4], [], [], [])
            : mapFromEntries(
                [1, 4],
                [1, 4],
                [0, 1, 2, 3],
                [0, 1, 2, 3],
                [weight, weight, weight, weight],
              );
        const zero = toy.rescale(toy.linear([x], [map], layout));
        const program = toy.finish({ y: toy.addConstant(zero, [0.5, -1, 0.25, 0]) });
        // The client refuses transparent ciphertexts, so this would fail.
        const { bits, encrypted } = await compare(backend, program, images(1, 4));
        expect(bits).toBeGreaterThan(14);
        expect(encrypted[0]?.[1]).toBeCloseTo(-1, 4);
      }
      const toy = toyBuilder(modulus, 'zero factor');
      const x = toy.input('x', layout, 2);
      const program = toy.finish({
        y: toy.addConstant(toy.multiplyConstant(x, [0]), [1, 1, 1, 1]),
      });
      expect((await compare(backend, program, images(1, 4))).bits).toBeGreaterThan(14);
    }
  });
});

const layout = rowLayout(12, slots);
const program = network(layout, layout, layout, { giantStep: 4, fold: null }, 6);

describe.each(encryptedBackends)('InferenceSession on %s', (backend) => {
  it('works from files, serves requests in turn and keeps memory flat', async () => {
    using deployment = await deploy(program);
    const { written, client, keys } = deployment;
    const folder = await mkdtemp(join(tmpdir(), 'session-'));
    folders.push(folder);
    await writeFile(join(folder, 'model.loom'), written.bytes);
    await writeFile(join(folder, 'evaluation.keys'), keys);
    const session = await InferenceSession.create(join(folder, 'model.loom'), {
      backend,
      evaluationKeys: join(folder, 'evaluation.keys'),
    });
    const instance = await loadSeal();
    const requests = await Promise.all(
      images(3, 12).map((data) => client.encrypt({ x: { data, shape: [1, 12] } })),
    );
    const seen: number[] = [];
    const results = await Promise.all(
      requests.map((request, n) =>
        session.run(request).then((response) => {
          seen.push(n);
          return response;
        }),
      ),
    );
    expect(seen).toEqual([0, 1, 2]);
    const first = await client.decrypt(results[0]!);
    const handles = instance.liveHandles;
    for (let n = 0; n < 20; n++) {
      // One warm-up is behind us: keys and constants are loaded.
      expect(await session.run(requests[n % 3]!)).toEqual(results[n % 3]);
      expect(instance.liveHandles).toBe(handles);
    }
    expect(await client.decrypt(results[0]!)).toEqual(first);
    await session.release();
    await expect(session.run(requests[0]!)).rejects.toThrow(
      expect.objectContaining({ code: 'USE_AFTER_DISPOSE' }) as Error,
    );
  });

  it('refuses wrong keys, requests and plans before SEAL sees them', async () => {
    using deployment = await deploy(program);
    using other = await deploy(network(layout, layout, layout, { giantStep: 4, fold: null }, 7));
    const { written, client, keys } = deployment;
    const refused = async (run: () => Promise<unknown>, code: string): Promise<void> => {
      await expect(run()).rejects.toThrow(expect.objectContaining({ code }) as Error);
    };
    await refused(() => InferenceSession.create(written.bytes), 'KEYS_INVALID');
    await refused(
      () => InferenceSession.create(written.bytes, { backend, evaluationKeys: other.keys }),
      'KEYS_MISMATCH',
    );
    await refused(
      () => InferenceSession.create(written.bytes, { backend, evaluationKeys: keys.slice(0, -64) }),
      'KEYS_INVALID',
    );
    const secret = await client.exportSecretKey();
    await refused(
      () => InferenceSession.create(written.bytes, { backend, evaluationKeys: secret }),
      'KEYS_INVALID',
    );
    await refused(() => InferenceSession.create(keys), 'PLAN_INVALID');

    await using session = await InferenceSession.create(written.bytes, {
      backend,
      evaluationKeys: keys,
    });
    const data = images(1, 12)[0]!;
    const request = await client.encrypt({ x: { data, shape: [1, 12] } });
    const foreign = await other.client.encrypt({ x: { data, shape: [1, 12] } });
    await refused(() => session.run(foreign), 'PLAN_MISMATCH');
    await refused(() => session.run(request.slice(0, -1)), 'CIPHERTEXT_TRUNCATED');
    await refused(() => session.run(new Uint8Array()), 'CIPHERTEXT_INVALID');
    const flipped = request.slice();
    flipped[flipped.length - 200]! ^= 4;
    await refused(() => session.run(flipped), 'CIPHERTEXT_INVALID');
    const response = await session.run(request);
    await refused(() => session.run(response), 'CIPHERTEXT_INVALID');
    await refused(() => session.runClear(new Map([['x', [[1]]]])), 'INPUT_INVALID');

    const damaged = keys.slice();
    damaged[damaged.length - 5000]! ^= 1;
    await using broken = await InferenceSession.create(written.bytes, {
      backend,
      evaluationKeys: damaged,
    });
    await refused(() => broken.run(request), 'KEYS_INVALID');
    await using clear = await InferenceSession.create(written.bytes, { backend: 'clear' });
    await refused(() => clear.run(request), 'KEYS_INVALID');
    expect(clear.backend).toBe('clear');
  });
});

describe("SEAL's memory", () => {
  it('holds few keys when told to, at the same result', async () => {
    const layout = (n: number): Layout => rowLayout(n, slots);
    const program = network(layout(20), layout(20), layout(20), { giantStep: 5, fold: null }, 5);
    using deployment = await deploy(program);
    const { written, client, keys } = deployment;
    const request = await client.encrypt({ x: { data: images(1, 20)[0]!, shape: [1, 20] } });
    const results: Float64Array[] = [];
    for (const maxKeyMemoryBytes of [Infinity, 4_000_000]) {
      await using session = await InferenceSession.create(written.bytes, {
        backend: 'seal',
        evaluationKeys: keys,
        maxKeyMemoryBytes,
      });
      expect(session.memory?.keyCapBytes).toBeLessThanOrEqual(maxKeyMemoryBytes);
      expect(session.memory?.keyBytes).toBeGreaterThan(10_000_000);
      const { y } = await client.decrypt(await session.run(request));
      results.push(Float64Array.from(y?.data ?? []));
    }
    // Evaluation is deterministic: the same bits.
    expect(results[1]).toEqual(results[0]);
    await expect(
      InferenceSession.create(written.bytes, {
        backend: 'seal',
        evaluationKeys: keys,
        maxKeyMemoryBytes: 100_000,
      }),
    ).rejects.toThrow(expect.objectContaining({ code: 'RESOURCE_LIMIT' }) as Error);
  });

  it('frees everything when a run is aborted, and goes on after it', async () => {
    using deployment = await deploy(program);
    const { written, client, keys } = deployment;
    await using session = await InferenceSession.create(written.bytes, {
      backend: 'seal',
      evaluationKeys: keys,
    });
    const request = await client.encrypt({ x: { data: images(1, 12)[0]!, shape: [1, 12] } });
    const good = await session.run(request);
    const instance = await loadSeal();
    const handles = instance.liveHandles;
    const controller = new AbortController();
    const progress: number[] = [];
    await expect(
      session.run(request, {
        signal: controller.signal,
        onProgress: ({ done, total, execution, executions }) => {
          expect(done).toBeLessThan(total);
          expect([execution, executions]).toEqual([0, 1]);
          progress.push(done);
          controller.abort(new Error('client went away'));
        },
      }),
    ).rejects.toThrow('client went away');
    expect(progress.length).toBe(1);
    expect(instance.liveHandles).toBe(handles);
    expect(await session.run(request)).toEqual(good);
  });

  it('starts again when the WebAssembly instance is lost', async () => {
    using deployment = await deploy(program);
    const { written, client, keys } = deployment;
    await using session = await InferenceSession.create(written.bytes, {
      backend: 'seal',
      evaluationKeys: keys,
    });
    const request = await client.encrypt({ x: { data: images(1, 12)[0]!, shape: [1, 12] } });
    const good = await session.run(request);
    const old = await loadSeal();
    old.giveUp('a test says so');
    expect(await session.run(request)).toEqual(good);
    expect(await loadSeal()).not.toBe(old);
  });

  it('refuses a plan whose working set does not fit, before it loads keys', async () => {
    const wide = batchLayout(25_000, slots);
    const toy = toyBuilder(modulus, 'wide');
    const x = toy.input('x', wide, 4);
    const big = toy.finish({ y: toy.square(x), z: x });
    const { bytes } = writePlan({
      program: big,
      facts: {
        producer: currentProducer(),
        modelDigest: null,
        securityTarget: 128,
        insecure: true,
        precisionBits: 12,
        peakCiphertextBytes: 0,
        rangeEscape: null,
      },
    });
    await expect(
      InferenceSession.create(bytes, { backend: 'seal', evaluationKeys: new Uint8Array(1000) }),
    ).rejects.toThrow(expect.objectContaining({ code: 'RESOURCE_LIMIT', exit: 7 }) as Error);
  });
});
