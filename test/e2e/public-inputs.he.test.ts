/** Inputs that the server knows, on real ciphertexts, against ONNX Runtime. */
import { describe, expect, test } from 'vitest';
import { Client } from '../../src/client/index.ts';
import { compile } from '../../src/index.ts';
import type { CompiledModel } from '../../src/index.ts';
import { InferenceSession } from '../../src/server/index.ts';
import { encryptedBackends } from '../support/backends.ts';
import { expectAgreement } from '../support/encrypted-agreement.ts';
import { encodeModel, filled } from '../support/onnx-model.ts';
import type { TestModel } from '../support/onnx-model.ts';
import { randomNetwork } from '../support/random-networks.ts';
import { randomSource } from '../support/random.ts';

const timeout = 120_000;
const random = randomSource(3);

/** x · p + q, both known. */
const scaled: TestModel = {
  inputs: { x: [1, 6], p: [1, 6], q: [6] },
  outputs: ['y'],
  nodes: [
    { op: 'Mul', inputs: ['x', 'p'], outputs: ['m'] },
    { op: 'Add', inputs: ['m', 'q'], outputs: ['y'] },
  ],
};

/** Encrypted features and known ones, each with a layer, joined; a gate that no polynomial stands for. */
const towers: TestModel = {
  inputs: { secret: [1, 8], known: [1, 5] },
  outputs: ['score', 'gated'],
  initializers: {
    a: filled([8, 4], random, -0.5, 0.5),
    b: filled([5, 4], random, -0.5, 0.5),
    c: filled([8, 2], random, -0.5, 0.5),
  },
  nodes: [
    { op: 'Gemm', inputs: ['secret', 'a'], outputs: ['s'] },
    { op: 'Mul', inputs: ['s', 's'], outputs: ['s2'] },
    { op: 'Gemm', inputs: ['known', 'b'], outputs: ['k'] },
    { op: 'Sigmoid', inputs: ['k'], outputs: ['g'] },
    { op: 'Concat', inputs: ['s2', 'g'], outputs: ['both'], attributes: { axis: 1 } },
    { op: 'Gemm', inputs: ['both', 'c'], outputs: ['score'] },
    { op: 'Mul', inputs: ['g', 's'], outputs: ['gs'] },
    { op: 'Sub', inputs: ['g', 'gs'], outputs: ['gated'] },
  ],
};

/** Encrypted rows times a matrix that the server knows. */
const matrix: TestModel = {
  inputs: { x: [2, 4], m: [4, 3] },
  outputs: ['y'],
  nodes: [{ op: 'MatMul', inputs: ['x', 'm'], outputs: ['y'] }],
};

/** An image under a mask of its rows and columns, then a convolution. */
const masked: TestModel = {
  inputs: { image: [1, 2, 6, 6], mask: [1, 1, 6, 6] },
  outputs: ['y'],
  initializers: { w: filled([3, 2, 3, 3], random, -0.5, 0.5), b: filled([3], random) },
  nodes: [
    { op: 'Mul', inputs: ['image', 'mask'], outputs: ['m'] },
    { op: 'Conv', inputs: ['m', 'w', 'b'], outputs: ['c'] },
    { op: 'Mul', inputs: ['c', 'c'], outputs: ['y'] },
  ],
};

describe('agreement to 10 bits', () => {
  test.each([
    ['x · p + q', scaled, ['p', 'q']],
    ['two towers', towers, ['known']],
    ['a matrix', matrix, ['m']],
    ['a mask', masked, ['mask']],
  ] as const)('%s', { timeout }, async (_, model, publicInputs) => {
    await expectAgreement(model, { seed: 1, images: 1, publicInputs });
  });

  test.each([11, 12, 13, 14])('random networks: %i', { timeout }, async (seed) => {
    const { model, inputs } = randomNetwork(seed, { inputsAreOutputs: false });
    const known = Object.keys(inputs)[1]!;
    await expectAgreement(model, { seed, images: 1, publicInputs: [known] });
  });

  test.each([
    ['a tensor for each', false],
    ['one for all', true],
  ])('a batch, %s image', { timeout }, async (_, samePublic) => {
    const publicInputs = ['known'];
    await expectAgreement(towers, {
      seed: 2,
      images: 3,
      publicInputs,
      samePublic,
      options: { batch: 2 },
    });
  });
});

describe('a plan with public inputs', () => {
  const compiled: Promise<CompiledModel> = compile(
    { bytes: encodeModel(towers), name: 'towers' },
    { publicInputs: ['known'] },
  );
  const secret = Float32Array.from({ length: 8 }, (_, k) => k / 8);
  const known = Float32Array.from({ length: 5 }, (_, k) => k / 5);

  test('encrypts nothing of them, and names them for documentation', async () => {
    const { client } = await compiled;
    expect(client.inputs.map(({ name }) => name)).toEqual(['secret']);
    expect(client.publicInputs).toEqual([{ name: 'known', shape: [1, 5], range: [0, 1] }]);
    expect(Client.load(JSON.stringify(client)).plan).toEqual(client);
  });

  test('the clear backend takes them too, and what does not fit is refused', async () => {
    const { plan } = await compiled;
    await using session = await InferenceSession.create(plan, { backend: 'clear' });
    expect(session.publicInputs.map(({ name }) => name)).toEqual(['known']);
    const run = (tensors: Record<string, Float32Array>, images = 1) =>
      session.runClear(new Map([['secret', new Array<Float32Array>(images).fill(secret)]]), {
        public: tensors,
      });
    const { size } = await run({ known });
    expect(size).toBe(2);
    await expect(run({})).rejects.toMatchObject({ code: 'INPUT_INVALID', node: 'known' });
    await expect(run({ known: known.subarray(1) })).rejects.toMatchObject({ node: 'known' });
    await expect(run({ known: known.map(() => 2) })).rejects.toThrow(/outside the declared range/);
    await expect(run({ known: known.map(() => NaN) })).rejects.toThrow(/not a finite number/);
    await expect(run({ known, secret })).rejects.toThrow(/no public input "secret"/);
    const two = Float32Array.from([...known, ...known]);
    await expect(run({ known: two }, 3)).rejects.toThrow(/has 2 images, the request 3/);
  });

  test.each(encryptedBackends)(
    'constants encoded for one request are not those of the next (%s)',
    { timeout },
    async (backend) => {
      const { plan, client: clientPlan } = await compiled;
      using client = Client.load(clientPlan);
      const { evaluationKeys } = await client.generateKeys();
      await using session = await InferenceSession.create(plan, {
        backend,
        evaluationKeys: await evaluationKeys.bytes(),
      });
      const request = await client.encrypt({ secret });
      const zero = known.map(() => 0);
      for (const tensor of [known, zero, known]) {
        const { score } = await client.decrypt(
          await session.run(request, { public: { known: tensor } }),
        );
        const clear = await session.runClear(new Map([['secret', [secret]]]), {
          public: { known: tensor },
        });
        clear.get('score')![0]!.forEach((value, k) => {
          expect(score!.data[k]).toBeCloseTo(value, 3);
        });
      }
    },
  );
});
