/** Random packed programs on real ciphertexts of a toy ring. */
import { expect } from 'vitest';
import { Client } from '../../src/client/index.ts';
import { makePlan } from '../../src/compile.ts';
import type { PassContext } from '../../src/passes/define-pass.ts';
import { passes } from '../../src/passes/index.ts';
import { compileOptionsSchema } from '../../src/passes/options.ts';
import { depthOf } from '../../src/passes/packing/depth.ts';
import { InferenceSession } from '../../src/server/index.ts';
import { encryptedBackends } from './backends.ts';
import { randomImages, randomPacked } from './random-packed.ts';

/** Toy parameters, for speed: they protect nothing. */
const ringDegree = 2048;
/** Of values in [−1, 1]. */
const tolerance = 2 ** -9;

/** Encrypt random images, evaluate a random program on every evaluator, and expect its answers. */
export async function expectEncryptedAnswers(seed: number): Promise<void> {
  const packed = randomPacked(seed, ringDegree / 2);
  const levels = depthOf(packed.program);
  const context = (used: number): PassContext => ({
    options: compileOptionsSchema.parse({
      primeBits: [47, ...new Array<number>(used).fill(38), 50],
      insecure: true,
      precisionBits: 1,
    }),
    ringDegree,
    calibration: null,
    warn: () => undefined,
    note: () => undefined,
  });
  // The random giant steps stay: lower-linear would choose better ones.
  const rest = passes.filter(({ phase }) => phase === 'ckks');
  const program = rest.reduce((each, pass) => pass.run(each, context(levels)), packed.program);
  const { bytes, client: form } = await makePlan({
    program,
    options: context(levels).options,
    notes: new Map(),
    warnings: [],
    labels: null,
    modelDigest: null,
  });
  using client = Client.load(form);
  expect(client.insecure).toBe(true);
  const { evaluationKeys } = await client.generateKeys();
  const keys = await evaluationKeys.bytes();
  const images = randomImages(packed, seed + 1);
  const request = await client.encrypt({ x: Float64Array.from(images.flatMap((x) => [...x])) });
  for (const backend of encryptedBackends) {
    await using session = await InferenceSession.create(bytes, { backend, evaluationKeys: keys });
    const answer = (await client.decrypt(await session.run(request)))['y'];
    const got = answer?.data ?? new Float64Array();
    const want = images.flatMap((image) => [...packed.reference(image)]);
    expect(got).toHaveLength(want.length);
    const error = want.reduce((most, x, i) => Math.max(most, Math.abs(x - (got[i] ?? NaN))), 0);
    expect(error, `seed ${seed} on ${backend}`).toBeLessThan(tolerance);
  }
}
