/** lenet with fewer rotation keys, encrypted: its answers are those of the plan with all of them. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { Client } from '../../src/client/index.ts';
import { compile, readNpy } from '../../src/index.ts';
import type { CompiledModel } from '../../src/index.ts';
import { InferenceSession } from '../../src/server/index.ts';
import { example } from '../cli/commands/example-plans.ts';
import { nativeAddon } from '../support/backends.ts';

const pixels = 784;
const timeout = 3_600_000;

function imagesOf(file: string): Float64Array<ArrayBuffer>[] {
  const { data } = readNpy(readFileSync(example(file)));
  return Array.from({ length: data.length / pixels }, (_, k) =>
    data.slice(k * pixels, (k + 1) * pixels),
  );
}

function lenet(maxKeyBytes: number | null): Promise<CompiledModel> {
  return compile(
    { bytes: readFileSync(example('lenet.onnx')), name: 'lenet' },
    {
      calibration: new Map([['image', imagesOf('calibration.npy')]]),
      options: { target: 'native', maxKeyBytes },
    },
  );
}

async function answers(model: CompiledModel, image: Float64Array<ArrayBuffer>): Promise<number[]> {
  using client = Client.load(model.client);
  const evaluationKeys = await (await client.generateKeys()).evaluationKeys.bytes();
  expect(evaluationKeys.length).toBe(model.report.keyBytes);
  await using session = await InferenceSession.create(model.plan, {
    backend: 'native',
    evaluationKeys,
  });
  const decrypted = await client.decrypt(await session.run(await client.encrypt({ image })));
  return [...(Object.values(decrypted)[0]?.data ?? [])];
}

describe.skipIf(nativeAddon === null)('lenet with fewer keys', { timeout }, () => {
  test.each([2, 4, 8])('1/%d of the bytes', async (part) => {
    const [image = new Float64Array(pixels)] = imagesOf('images.npy');
    const all = await lenet(null);
    const budget = Math.floor(all.report.keyBytes / part);
    const small = await lenet(budget);
    expect(small.report.keyBytes).toBeLessThanOrEqual(budget);
    const [want, got] = [await answers(all, image), await answers(small, image)];
    const largest = Math.max(...want.map(Math.abs));
    const worst = Math.max(...want.map((value, k) => Math.abs(value - (got[k] ?? NaN))));
    expect(-Math.log2(worst / largest)).toBeGreaterThan(10);
  });
});
