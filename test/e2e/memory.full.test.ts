/** Memory stays flat over many inferences: whatever a run makes, in WebAssembly or beside it, it frees. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { Client } from '../../src/client/index.ts';
import { compile, readNpy } from '../../src/index.ts';
import { InferenceSession } from '../../src/server/index.ts';
import { example } from '../cli/commands/example-plans.ts';
import { encryptedBackends } from '../support/backends.ts';

/** A leak of one ciphertext a run would show as 40 MB in a hundred runs. */
const allowedGrowth = 1.05;
const runs = { seal: { warmUp: 20, inferences: 100 }, native: { warmUp: 50, inferences: 1000 } };

test.each(encryptedBackends)(
  'the resident memory of lola stays what it is once it is warm (%s)',
  { timeout: 1_200_000 },
  async (backend) => {
    const { warmUp, inferences } = runs[backend];
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
    const session = await InferenceSession.create(model.plan, { backend, evaluationKeys });
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
