/** A file end to end: keys, encryption, evaluation by SEAL, decryption. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'vitest';
import { Client } from '../../src/client/index.ts';
import { InferenceSession } from '../../src/server/index.ts';
import { exactTolerance } from './models-page.ts';
import type { ModelCase } from './model-cases.ts';
import { compileCase, differenceOf, expectedOutputs, inputsOf } from './run-model.ts';

/** Bits to which an encrypted result agrees, relative to the largest element of an output. */
const agreedBits = 10;

/** Run a file encrypted on one random input and compare it with ONNX Runtime. Returns the bits. */
export async function expectEncryptedAgrees(folder: string, modelCase: ModelCase): Promise<number> {
  const bytes = new Uint8Array(readFileSync(path.join(folder, modelCase.file)));
  const { plan, client: clientPlan, report } = await compileCase(bytes, modelCase);
  const inputs = inputsOf(bytes, modelCase, 1);
  using client = Client.load(clientPlan);
  const { evaluationKeys } = await client.generateKeys();
  await using session = await InferenceSession.create(plan, {
    evaluationKeys: await evaluationKeys.bytes(),
  });
  const images = Object.fromEntries([...inputs].map(([name, { data }]) => [name, data] as const));
  const decrypted = await client.decrypt(await session.run(await client.encrypt(images)));
  const actual = new Map(Object.entries(decrypted).map(([name, { data }]) => [name, data]));
  const { absolute, relative } = differenceOf(
    actual,
    await expectedOutputs(bytes, modelCase, inputs),
  );
  const bits = -Math.log2(relative);
  if (report.approximationError.length === 0) {
    expect(bits).toBeGreaterThanOrEqual(agreedBits);
  } else {
    // What the polynomials change is stated; encryption may add no more than its bits.
    const stated = Math.max(...report.approximationError.map(({ worst }) => worst));
    const largest = absolute / relative;
    expect(absolute).toBeLessThanOrEqual(stated + (2 ** -agreedBits + exactTolerance) * largest);
  }
  return bits;
}
