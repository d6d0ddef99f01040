/** Whole models on real ciphertexts: answers, unused slots, zero weights. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { Client } from '../../src/client/index.ts';
import { compile, readNpy } from '../../src/index.ts';
import type { CompiledModel } from '../../src/index.ts';
import { usedSlots, zeroUnused } from '../../src/layout/layout.ts';
import type { Layout } from '../../src/layout/layout.ts';
import { InferenceSession } from '../../src/server/index.ts';
import { encryptedBackends } from '../support/backends.ts';
import { encodeModel } from '../support/onnx-model.ts';
import { runOnnx } from '../support/onnxruntime.ts';

const examples = new URL('../../examples/mnist/', import.meta.url);
const pixels = 784;

function example(name: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(readFileSync(fileURLToPath(new URL(name, examples))));
}

function exampleImages(name: string): Float64Array<ArrayBuffer>[] {
  const { data: numbers } = readNpy(example(name));
  return Array.from({ length: numbers.length / pixels }, (_, k) =>
    numbers.slice(k * pixels, (k + 1) * pixels),
  );
}

/** Every slot of every ciphertext as an element, in order. */
function allSlots({ slots, ciphertexts }: Layout): Layout {
  return {
    shape: [1, ciphertexts * slots],
    slots,
    ciphertexts,
    origin: [0, 0],
    digits: [
      { of: 1, size: ciphertexts, step: slots, place: 'ciphertext', stride: 1 },
      { of: 1, size: slots, step: 1, place: 'slot', stride: 1 },
    ].filter(({ size }) => size > 1) as Layout['digits'],
    unused: zeroUnused,
  };
}

async function encrypted(model: CompiledModel, backend: 'seal' | 'native') {
  const client = Client.load(model.client);
  const { secretKey, evaluationKeys } = await client.generateKeys();
  const session = await InferenceSession.create(model.plan, {
    backend,
    evaluationKeys: await evaluationKeys.bytes(),
  });
  return { client, secretKey, session };
}

test.each(encryptedBackends)(
  'lola: the answer, and only noise in unused output slots (%s)',
  { timeout: 300_000 },
  async (backend) => {
    const model = await compile(
      { bytes: example('lola.onnx'), name: 'lola' },
      { calibration: new Map([['image', exampleImages('calibration.npy')]]) },
    );
    const { client, secretKey, session } = await encrypted(model, backend);
    const [image = new Float64Array(pixels)] = exampleImages('images.npy');
    const response = await session.run(await client.encrypt({ image }));
    const { logits } = await client.decrypt(response);
    expect(logits?.data.indexOf(Math.max(...logits.data))).toBe(7);

    // The same response, read slot by slot with the same key.
    const [output] = model.client.outputs;
    if (output === undefined) throw new Error('lola has an output');
    const layout = allSlots(output.layout);
    const reader = Client.load({
      ...model.client,
      outputs: [{ ...output, layout, shape: layout.shape, labels: undefined }],
    });
    await reader.importSecretKey(secretKey);
    const slots = (await reader.decrypt(response))['logits'];
    const used = usedSlots(output.layout).flatMap((vector) => [...vector]);
    const unused = [...(slots?.data ?? [])].filter((_, slot) => used[slot] === 0);
    expect(unused.length).toBeGreaterThan(100);
    // Noise level: the stated precision is relative to the largest output that calibration saw, half
    // of the declared bound.
    const noise = 2 ** -model.client.precisionBits * (output.bound / 2);
    expect(Math.max(...unused.map(Math.abs))).toBeLessThan(noise);
    await session.release();
  },
);

test.each(encryptedBackends)(
  'a row and a kernel of zero weights give their bias (M12, %s)',
  { timeout: 300_000 },
  async (backend) => {
    const random = (n: number): number[] =>
      Array.from({ length: n }, (_, k) => Math.sin(7 * k + 1));
    const kernels = [...random(9), ...new Array<number>(9).fill(0)];
    const rows = random(3 * 32).map((value, k) => (k >= 32 && k < 64 ? 0 : value));
    const bytes = encodeModel({
      inputs: { x: [1, 1, 6, 6] },
      outputs: ['z'],
      initializers: {
        w: { dims: [2, 1, 3, 3], data: kernels },
        c: { dims: [2], data: [0.25, -0.5] },
        m: { dims: [3, 32], data: rows },
        b: { dims: [3], data: [0.1, 0.7, -0.3] },
      },
      nodes: [
        { op: 'Conv', inputs: ['x', 'w', 'c'], outputs: ['y'] },
        { op: 'Flatten', inputs: ['y'], outputs: ['f'] },
        { op: 'Gemm', inputs: ['f', 'm', 'b'], outputs: ['z'], attributes: { transB: 1 } },
      ],
    });
    const x = Float32Array.from({ length: 36 }, (_, k) => (k % 7) / 7);
    const model = await compile({ bytes, name: 'zeros' });
    const { client, session } = await encrypted(model, backend);
    const { z } = await client.decrypt(await session.run(await client.encrypt({ x })));
    const reference = await runOnnx(bytes, new Map([['x', { shape: [1, 1, 6, 6], data: x }]]));
    const expected = [...(reference.get('z')?.data ?? [])];
    expect(expected).toHaveLength(3);
    expect(z?.data[1]).toBeCloseTo(0.7, 3);
    expected.forEach((value, k) => {
      expect(z?.data[k]).toBeCloseTo(value, 3);
    });
    await session.release();
  },
);
