import fc from 'fast-check';
import { expect, test } from 'vitest';
import { digitSize, toDigit, type GreyImage } from '../../../examples/web/src/digit-image.ts';

const side = 280;

/** A drawing of thick strokes, as the page makes them. */
function drawing(strokes: readonly (readonly [x: number, y: number])[], reach = 10): GreyImage {
  const data = new Float32Array(side * side);
  for (const [x, y] of strokes) {
    for (let v = -reach; v <= reach; v++) {
      for (let u = -reach; u <= reach; u++) {
        const [left, top] = [Math.round(x) + u, Math.round(y) + v];
        const inside = left >= 0 && left < side && top >= 0 && top < side;
        if (inside && u * u + v * v <= reach * reach) data[top * side + left] = 1;
      }
    }
  }
  return { width: side, height: side, data };
}

const points = fc.array(
  fc.tuple(fc.integer({ min: 60, max: 160 }), fc.integer({ min: 60, max: 160 })),
  { minLength: 2, maxLength: 12 },
);

test('nothing drawn is no digit', () => {
  expect(toDigit(drawing([]))).toBeNull();
});

test('ink lies in 20 × 20 pixels, its centre of mass in the middle of 28 × 28', () => {
  fc.assert(
    fc.property(points, (strokes) => {
      const digit = toDigit(drawing(strokes))!;
      const ink = [...digit].flatMap((value, i) =>
        value > 0 ? [{ value, x: i % digitSize, y: Math.floor(i / digitSize) }] : [],
      );
      for (const { value } of ink) expect(value).toBeLessThanOrEqual(1);
      const mass = ink.reduce((sum, { value }) => sum + value, 0);
      for (const axis of ['x', 'y'] as const) {
        const places = ink.map((pixel) => pixel[axis]);
        expect(Math.max(...places) - Math.min(...places)).toBeLessThan(20);
        const centre = ink.reduce((sum, pixel) => sum + pixel.value * pixel[axis], 0) / mass;
        // Half a pixel of rounding, and what a drawing at the edge of the box cannot reach.
        const atEdge = Math.min(...places) === 0 || Math.max(...places) === digitSize - 1;
        if (!atEdge) expect(Math.abs(centre - 13.5)).toBeLessThanOrEqual(0.5 + 1e-6);
      }
      const extent = (axis: 'x' | 'y'): number =>
        Math.max(...ink.map((pixel) => pixel[axis])) - Math.min(...ink.map((pixel) => pixel[axis]));
      expect(Math.max(extent('x'), extent('y'))).toBe(19);
    }),
  );
});

test('where on the canvas it was drawn does not matter', () => {
  fc.assert(
    fc.property(points, fc.integer({ min: -45, max: 100 }), (strokes, shift) => {
      const moved = strokes.map(([x, y]) => [x + shift, y + shift] as const);
      expect(toDigit(drawing(moved))).toEqual(toDigit(drawing(strokes)));
    }),
  );
});

test('edges are anti-aliased: the ink keeps its area', () => {
  const disc = toDigit(drawing([[140, 140]], 70))!;
  const ink = disc.reduce((sum, value) => sum + value, 0);
  // A disc in a box of 20 × 20.
  expect(ink / (Math.PI * 100)).toBeCloseTo(1, 1);
  expect(disc.filter((value) => value > 0 && value < 1).length).toBeGreaterThan(20);
});
