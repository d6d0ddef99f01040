/** Plans for the native evaluator: several special primes, from the compiler to the answer. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { Client } from '../../src/client/index.ts';
import { compile, readNpy } from '../../src/index.ts';
import type { CompiledModel } from '../../src/index.ts';
import { evaluationKeyBytes, keyRequests, readSealParameters } from '../../src/seal/index.ts';
import { InferenceSession } from '../../src/server/index.ts';
import { encryptedBackends } from '../support/backends.ts';

const examples = new URL('../../examples/mnist/', import.meta.url);
const pixels = 784;

function example(name: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(readFileSync(fileURLToPath(new URL(name, examples))));
}

function exampleImages(name: string): Float64Array<ArrayBuffer>[] {
  const { data } = readNpy(example(name));
  return Array.from({ length: data.length / pixels }, (_, k) =>
    data.slice(k * pixels, (k + 1) * pixels),
  );
}

/** Bits in which an encrypted result agrees with the plan in the clear, and the bytes of the keys. */
async function evaluateNative(model: CompiledModel, image: Float64Array<ArrayBuffer>) {
  using client = Client.load(JSON.parse(JSON.stringify(model.client)));
  const { evaluationKeys } = await client.generateKeys();
  const keys = await evaluationKeys.bytes();
  expect(keys.length).toBe(client.evaluationKeyBytes);
  await using session = await InferenceSession.create(model.plan, {
    backend: 'native',
    evaluationKeys: keys,
  });
  const request = await client.encrypt({ image });
  const { logits } = await client.decrypt(await session.run(request));
  const [clear] = (await session.runClear(new Map([['image', [image]]]))).get('logits') ?? [];
  const reference = clear ?? new Float64Array();
  const [output] = model.client.outputs;
  if (output === undefined) throw new Error('a network has an output');
  const worst = Math.max(...reference.map((y, i) => Math.abs(y - (logits?.data[i] ?? NaN))));
  return {
    answer: logits?.data.indexOf(Math.max(...logits.data)),
    // Of the largest output that calibration saw: what the predicted precision is relative to.
    bits: -Math.log2(worst / (output.bound / 2)),
    keyBytes: keys.length,
  };
}

/** What the keys of a plan would take if it had the first of its special primes only. */
function bytesWithOneSpecialPrime({ client }: CompiledModel): number {
  const { parameters, keys } = client;
  const specialPrimes = parameters.specialPrimes.slice(0, 1);
  return evaluationKeyBytes(
    readSealParameters({ ...parameters, specialPrimes }),
    keyRequests(keys),
  );
}

const native = encryptedBackends.includes('native');

describe.runIf(native)('plans with several special primes', () => {
  const calibration = new Map([['image', exampleImages('calibration.npy')]]);
  const [image = new Float64Array(pixels)] = exampleImages('images.npy');

  test.each([
    [2, [41, 39, 39, 39, 39, 39, 43, 43]],
    [3, [41, 39, 39, 39, 39, 39, 41, 42, 42]],
    [4, [41, 39, 39, 39, 39, 39, 41, 41, 41, 41]],
  ])(
    'lola with %i of them: the answer, within the predicted precision',
    { timeout: 300_000 },
    async (count, primeBits) => {
      const bytes = example('lola.onnx');
      const model = await compile(
        { bytes, name: 'lola' },
        { calibration, options: { target: 'native', ringDegree: 16384, primeBits } },
      );
      expect(model.report.target).toBe('native');
      expect(model.client.parameters.specialPrimes).toHaveLength(count);
      const { answer, bits } = await evaluateNative(model, image);
      expect(answer).toBe(7);
      expect(bits).toBeGreaterThan(model.report.precisionBits);
    },
  );

  test(
    'lenet for the native target beside the portable plan: same answer, smaller keys',
    { timeout: 600_000 },
    async () => {
      const bytes = example('lenet.onnx');
      const [portable, hybrid] = await Promise.all(
        (['portable', 'native'] as const).map((target) =>
          compile({ bytes, name: 'lenet' }, { calibration, options: { target } }),
        ),
      );
      if (portable === undefined || hybrid === undefined) throw new Error('two plans');
      expect(portable.client.parameters.specialPrimes).toHaveLength(1);
      expect(hybrid.client.parameters.specialPrimes.length).toBeGreaterThan(1);
      const one = await evaluateNative(portable, image);
      const several = await evaluateNative(hybrid, image);
      expect(several.answer).toBe(one.answer);
      expect(several.bits).toBeGreaterThan(hybrid.report.precisionBits);
      // The targets differ in packing, so in which keys there are; each is smaller than with one prime.
      expect(several.keyBytes).toBeLessThan(0.7 * bytesWithOneSpecialPrime(hybrid));
    },
  );
});
