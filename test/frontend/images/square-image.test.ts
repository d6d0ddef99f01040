import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { resizeKernels, squareImage } from '../../../src/frontend/images/square-image.ts';
import { pixelImage } from '../../support/image-files.ts';

const sides = fc.integer({ min: 1, max: 40 });
const kernels = fc.constantFrom(...resizeKernels);

describe('squareImage', () => {
  test('an even colour stays what it is, whatever the sizes', () => {
    fc.assert(
      fc.property(sides, sides, sides, kernels, fc.nat(255), (width, height, size, kernel, v) => {
        const planes = squareImage(
          pixelImage(width, height, () => [v, 255 - v, 7]),
          size,
          kernel,
        );
        expect(planes).toHaveLength(3 * size * size);
        const plane = size * size;
        expect(new Set(planes.subarray(0, plane))).toEqual(new Set([v]));
        expect(new Set(planes.subarray(plane, 2 * plane))).toEqual(new Set([255 - v]));
        expect(new Set(planes.subarray(2 * plane))).toEqual(new Set([7]));
      }),
    );
  });

  test('the same size changes nothing', () => {
    const image = pixelImage(5, 5, (x, y) => [x * 50, y * 50, x + y]);
    for (const kernel of resizeKernels) {
      const planes = squareImage(image, 5, kernel);
      expect([...planes.subarray(0, 10)]).toEqual([0, 50, 100, 150, 200, 0, 50, 100, 150, 200]);
      expect([...planes.subarray(25, 35)]).toEqual([0, 0, 0, 0, 0, 50, 50, 50, 50, 50]);
    }
  });

  test('half the size by area is the mean of four pixels, rounded half up', () => {
    const values = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 17];
    const image = pixelImage(4, 4, (x, y) => [values[y * 4 + x]!, 0, 0]);
    const planes = squareImage(image, 2, 'area');
    // Means 3.5, 5.5, 11.5 and 13.75.
    expect([...planes.subarray(0, 4)]).toEqual([4, 6, 12, 14]);
  });

  test('three pixels to two by area share the middle one', () => {
    const image = pixelImage(3, 3, (x) => [[0, 90, 180][x]!, 0, 0]);
    // (0 + 90/2) / 1.5 and (90/2 + 180) / 1.5.
    expect([...squareImage(image, 2, 'area').subarray(0, 2)]).toEqual([30, 150]);
  });

  test('half the size by triangle weighs 1 3 3 1, cut at the border', () => {
    const image = pixelImage(6, 6, (x) => [[0, 0, 80, 160, 0, 0][x]!, 0, 0]);
    // 80 · 1/7 with (3 3 1), (3 · 80 + 3 · 160) / 8, 160 · 1/7.
    expect([...squareImage(image, 3, 'triangle').subarray(0, 3)]).toEqual([11, 90, 23]);
  });

  test('the crop is the centre, of a wide and of a tall image', () => {
    const wide = pixelImage(6, 2, (x) => [x * 10, 0, 0]);
    expect([...squareImage(wide, 2, 'area').subarray(0, 4)]).toEqual([20, 30, 20, 30]);
    const tall = pixelImage(2, 6, (_, y) => [y * 10, 0, 0]);
    expect([...squareImage(tall, 2, 'area').subarray(0, 4)]).toEqual([20, 20, 30, 30]);
  });

  test('mirroring before is mirroring after', () => {
    const pixels = fc.uint8Array({ minLength: 81, maxLength: 81 });
    fc.assert(
      fc.property(pixels, fc.integer({ min: 1, max: 9 }), kernels, (values, size, kernel) => {
        const at = (flip: boolean) =>
          squareImage(
            pixelImage(9, 9, (x, y) => [values[y * 9 + (flip ? 8 - x : x)]!, 0, 0]),
            size,
            kernel,
          ).subarray(0, size * size);
        const rows = Array.from({ length: size }, (_, y) =>
          [...at(true).subarray(y * size, (y + 1) * size)].reverse(),
        );
        const mirrored = rows.flat();
        // A sum in another order may round a half the other way.
        for (const [i, value] of at(false).entries()) {
          expect(Math.abs(value - mirrored[i]!)).toBeLessThanOrEqual(1);
        }
      }),
    );
  });

  test('pixels that do not fit the dimensions are refused', () => {
    const data = new Uint8Array(15);
    expect(() => squareImage({ width: 2, height: 2, data }, 2, 'area')).toThrow('15 bytes');
  });
});
