/** Memory stays flat over a hundred inferences: whatever a run makes in WebAssembly it frees. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { Client } from '../../src/client/index.ts';
import { compile, readNpy } from '../../src/index.ts';
import { InferenceSession } from '../../src/server/index.ts';
import { example } from '../cli/commands/example-plans.ts';

const warmUp = 20;
const inferences = 100;
/** WebAssembly never gives memory back, so a leak of one ciphertext a run would show as 40 MB. */
const allowedGrowth = 1.05;

test(
  'the resident memory of lola after 100 inferences is that after 20',
  { timeout: 1_200_000 },
  async () => {
    const { data } = readNpy(readFileSync(example('calibration.npy')));
    const images = Array.from({ length: data.length / 784 }, (_, k) =>
      data.slice(k * 784, (k + 1) * 784),
    );
    const model = await compile(
      { bytes: readFileSync(example('lola.onnx')), name: 'lola' },
      { calibration: new Map([['image', images]]) },
    );
    const client = Client.load(model.client);
    const evaluationKeys = await (await client.generateKeys()).evaluationKeys.bytes();
    const session = await InferenceSession.create(model.plan, { evaluationKeys });
    let settled = 0;
    for (let n = 1; n <= inferences; n++) {
      const image = images[n % images.length] ?? new Float64Array(784);
      await client.decrypt(await session.run(await client.encrypt({ image })));
      if (n === warmUp) settled = process.memoryUsage().rss;
    }
    const grown = process.memoryUsage().rss / settled;
    await session.release();
    expect(grown).toBeLessThan(allowedGrowth);
  },
);
