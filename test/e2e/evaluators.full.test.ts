/**
 * Native and seal give the same answers: portable plans of the example networks on many images.
 *
 * The difference of two evaluators is the noise of both, as both decrypt with the same key from the
 * same ciphertext. CIPHERLOOM_IMAGES sets the number of images of every network; seal takes some
 * 16 s an image of lenet.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { Client } from '../../src/client/index.ts';
import { compile, readNpy } from '../../src/index.ts';
import { InferenceSession } from '../../src/server/index.ts';
import { example } from '../cli/commands/example-plans.ts';
import { nativeAddon } from '../support/backends.ts';
import { randomSource } from '../support/random.ts';

const pixels = 784;
const timeout = 7_200_000;

function imagesOf(file: string): Float64Array<ArrayBuffer>[] {
  const { data } = readNpy(readFileSync(example(file)));
  return Array.from({ length: data.length / pixels }, (_, k) =>
    data.slice(k * pixels, (k + 1) * pixels),
  );
}

/** The example images, each with grey of its own over it after the first time. */
function manyImages(count: number): Float64Array<ArrayBuffer>[] {
  const known = [...imagesOf('images.npy'), ...imagesOf('calibration.npy')];
  const random = randomSource(200);
  return Array.from({ length: count }, (_, n) => {
    const image = known[n % known.length] ?? new Float64Array(pixels);
    const grey = n < known.length ? 0 : 0.1;
    return image.map((value) => Math.min(1, value + grey * random()));
  });
}

describe.skipIf(nativeAddon === null)('native and seal', () => {
  const asked = process.env['CIPHERLOOM_IMAGES'];
  test.each([
    { network: 'lola', count: 200 },
    { network: 'lenet', count: 20 },
  ])('agree on $network', { timeout }, async ({ network, count }) => {
    const model = await compile(
      { bytes: readFileSync(example(`${network}.onnx`)), name: network },
      { calibration: new Map([['image', imagesOf('calibration.npy')]]) },
    );
    using client = Client.load(model.client);
    const evaluationKeys = await (await client.generateKeys()).evaluationKeys.bytes();
    await using native = await InferenceSession.create(model.plan, {
      backend: 'native',
      evaluationKeys,
    });
    await using seal = await InferenceSession.create(model.plan, {
      backend: 'seal',
      evaluationKeys,
    });
    const [output] = model.client.outputs;
    if (output === undefined) throw new Error('the network has an output');
    // The precision is that of the worst slot against the largest output seen, half of the bound.
    const noise = 2 ** -model.client.precisionBits * (output.bound / 2);
    const top = (values: readonly number[]): number => values.indexOf(Math.max(...values));
    let agreed = 0;
    let worst = 0;
    const images = manyImages(asked === undefined ? count : Number(asked));
    for (const image of images) {
      const request = await client.encrypt({ image });
      const answers: number[][] = [];
      for (const session of [native, seal]) {
        const decrypted = await client.decrypt(await session.run(request));
        answers.push([...(decrypted[output.name]?.data ?? [])]);
      }
      const [ours = [], theirs = []] = answers;
      expect(ours).toHaveLength(10);
      if (top(ours) === top(theirs)) agreed++;
      worst = Math.max(worst, ...ours.map((value, k) => Math.abs(value - (theirs[k] ?? NaN))));
    }
    expect(agreed).toBe(images.length);
    expect(worst).toBeLessThan(2 * noise);
  });
});
