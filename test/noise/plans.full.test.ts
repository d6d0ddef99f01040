/** Errors of the example networks on ciphertexts against their own predicted deviations. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { compile, readNpy } from '../../src/index.ts';
import { estimateErrors } from '../../src/passes/noise/estimate.ts';
import { mostDeviations } from '../../src/passes/noise/tails.ts';
import { encryptedBackends } from '../support/backends.ts';
import { adversarialImages, errorsOverOwn } from './plan-errors.ts';

const examples = new URL('../../examples/mnist/', import.meta.url);
const pixels = 784;

function read(name: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(readFileSync(fileURLToPath(new URL(name, examples))));
}

const { data } = readNpy(read('calibration.npy'));
const calibration = Array.from({ length: 32 }, (_, k) => data.slice(k * pixels, (k + 1) * pixels));

describe.runIf(encryptedBackends.includes('native'))('errors of a plan, slot by slot', () => {
  test.each(['lola', 'mlp', 'cryptonets', 'relu', 'lenet'])('%s on native', async (name) => {
    const model = await compile(
      { bytes: read(`${name}.onnx`), name },
      { calibration: new Map([['image', calibration]]) },
    );
    // Full contrast leaves the calibrated ranges of these networks; an eighth does not.
    const images = [
      ...calibration,
      ...adversarialImages(pixels, [0, 1]),
      ...adversarialImages(pixels, [0, 1 / 8]),
    ];
    const { over, left } = await errorsOverOwn(model, images, {
      evaluator: 'native',
      // Under one key every image meets the same secret in the same slots: eight images are hardly more than one.
      imagesPerKey: 1,
    });
    const rms = Math.sqrt(over.reduce((sum, z) => sum + z * z, 0) / over.length);
    expect(left).toBeLessThanOrEqual(8);
    expect(over).toHaveLength(10 * (images.length - left));
    expect(rms).toBeGreaterThan(0.5);
    expect(rms).toBeLessThan(1.1);
    // The share of its own secret that the static estimate follows to the output says how far tails reach.
    const errors = estimateErrors(model.program);
    const share = Math.max(
      ...model.program.outputs.map(({ value }) => errors[value]!.secret / errors[value]!.variance),
    );
    const worst = Math.max(...over.map(Math.abs));
    expect(worst).toBeLessThan(mostDeviations(over.length, share));
  });
});
