/** A file end to end: keys, encryption, evaluation by every evaluator that is here, decryption. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'vitest';
import { Client } from '../../src/client/index.ts';
import type { Report } from '../../src/index.ts';
import { InferenceSession } from '../../src/server/index.ts';
import { encryptedBackends } from '../support/backends.ts';
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
  const keys = await evaluationKeys.bytes();
  const images = Object.fromEntries([...inputs].map(([name, { data }]) => [name, data] as const));
  const request = await client.encrypt(images);
  const expected = await expectedOutputs(bytes, modelCase, inputs);
  let least = Infinity;
  for (const backend of encryptedBackends) {
    await using session = await InferenceSession.create(plan, { backend, evaluationKeys: keys });
    const decrypted = await client.decrypt(await session.run(request));
    const actual = new Map(Object.entries(decrypted).map(([name, { data }]) => [name, data]));
    least = Math.min(least, expectClose(differenceOf(actual, expected), report, backend));
  }
  return least;
}

/** Expect what was measured to be within what the report states. Returns the bits. */
function expectClose(
  { absolute, relative }: ReturnType<typeof differenceOf>,
  report: Report,
  backend: string,
): number {
  const bits = -Math.log2(relative);
  if (report.approximationError.length === 0) {
    expect(bits, backend).toBeGreaterThanOrEqual(agreedBits);
  } else {
    // What the polynomials change is stated; encryption may add no more than its bits.
    const stated = Math.max(...report.approximationError.map(({ worst }) => worst));
    const largest = absolute / relative;
    expect(absolute, backend).toBeLessThanOrEqual(
      stated + (2 ** -agreedBits + exactTolerance) * largest,
    );
  }
  return bits;
}
