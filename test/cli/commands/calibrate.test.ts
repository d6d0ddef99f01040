import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { openNpz } from '../../../src/frontend/npy/read-npz.ts';
import { cipherloom, errorOf, example, jsonOf, temporaryFolder } from './example-plans.ts';

const folder = temporaryFolder();
const relu = ['calibrate', example('relu.onnx'), '--calibration', example('calibration.npy')];
const archive = () => join(folder(), 'c.npz');
let json: Record<string, unknown>;
beforeAll(async () => {
  json = jsonOf(await cipherloom(...relu, '-o', archive(), '--json'));
});

describe('calibrate', () => {
  test('shows the argument of each activation', () => {
    expect(json).toMatchObject({
      output: archive(),
      activations: [
        { node: '/relu1/Relu', op: 'relu' },
        { node: '/relu2/Relu', op: 'relu' },
      ],
    });
    const { activations, images } = json as {
      images: number;
      activations: {
        distribution: { count: number; least: number; most: number; histogram: number[] };
      }[];
    };
    for (const { distribution } of activations) {
      expect(distribution.count % images).toBe(0);
      expect(distribution.least).toBeLessThan(distribution.most);
      expect(distribution.histogram.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 3);
    }
  });

  test('says that a few images are not enough, and what would be', () => {
    const { images, enough, reasons } = json as {
      images: number;
      enough: boolean;
      reasons: string[];
    };
    expect(enough).toBe(reasons.length === 0);
    if (images < 256) expect(reasons[0]).toContain('256 or more');
  });

  test('writes what compile reads as it read the original', async () => {
    const npz = openNpz(readFileSync(archive()), archive());
    expect(npz.names).toHaveLength(1);
    const plans = await Promise.all(
      [archive(), example('calibration.npy')].map(async (data, n) => {
        const out = join(folder(), `plan${n}`);
        jsonOf(
          await cipherloom(
            ...['compile', example('relu.onnx'), '--calibration', data, '-o', out, '--json'],
          ),
        );
        return readFileSync(join(out, 'model.loom'));
      }),
    );
    expect(plans[0]).toEqual(plans[1]);
  });

  test('refuses a name that is no archive, and to go on without data', async () => {
    const other = join(folder(), 'c.npy');
    expect(await errorOf(...relu, '-o', other)).toMatchObject({
      status: 2,
      code: 'USAGE',
      hint: `--output ${join(folder(), 'c')}.npz`,
    });
    expect(existsSync(other)).toBe(false);
    expect(await errorOf('calibrate', example('relu.onnx'))).toMatchObject({
      status: 2,
      code: 'USAGE',
    });
  });
});
