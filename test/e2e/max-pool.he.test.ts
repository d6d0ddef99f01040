/** MaxPool by polynomials, on ciphertexts: the answers of its program, and near the maxima. */
import { expect, test } from 'vitest';
import { Client } from '../../src/client/index.ts';
import { compile } from '../../src/index.ts';
import { InferenceSession } from '../../src/server/index.ts';
import { encryptedBackends } from '../support/backends.ts';
import { encodeModel } from '../support/onnx-model.ts';
import { runOnnx } from '../support/onnxruntime.ts';
import { randomSource, randomValues } from '../support/random.ts';

const shape = [1, 2, 6, 6];
const pixels = 72;
const bytes = encodeModel({
  inputs: { x: shape },
  outputs: ['y'],
  nodes: [
    {
      op: 'MaxPool',
      inputs: ['x'],
      outputs: ['y'],
      attributes: { kernel_shape: [2, 2], strides: [2, 2] },
    },
  ],
});
const random = randomSource(3);
const images = Array.from({ length: 34 }, () =>
  Float64Array.from(randomValues(random, pixels, 0, 1)),
);

test('MaxPool by polynomials', { timeout: 300_000 }, async () => {
  const model = await compile(
    { bytes, name: 'maxima' },
    {
      options: { maxPool: 'polynomial', activationDegree: 7 },
      calibration: new Map([['x', images.slice(0, 32)]]),
    },
  );
  using client = Client.load(model.client);
  const evaluationKeys = await (await client.generateKeys()).evaluationKeys.bytes();
  await using clear = await InferenceSession.create(model.plan, { backend: 'clear' });
  for (const backend of encryptedBackends) {
    await using session = await InferenceSession.create(model.plan, { backend, evaluationKeys });
    for (const image of images.slice(32)) {
      const got = await client.decrypt(await session.run(await client.encrypt({ x: image })));
      const inClear = (await clear.runClear(new Map([['x', [image]]]))).get('y')![0]!;
      const exact = (await runOnnx(bytes, new Map([['x', { shape, data: image }]]))).get('y')!;
      expect(got['y']!.data).toHaveLength(exact.data.length);
      exact.data.forEach((value, k) => {
        const answer = got['y']!.data[k]!;
        expect(Math.abs(answer - inClear[k]!), backend).toBeLessThan(
          2 ** -model.report.precisionBits,
        );
        // What degree 7 leaves of both magnitudes on the way, each halved.
        expect(Math.abs(answer - value), backend).toBeLessThan(1 / 8);
      });
    }
  }
});
