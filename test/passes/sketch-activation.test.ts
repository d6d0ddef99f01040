import { expect, test } from 'vitest';
import { sketchActivation } from '../../src/passes/polynomial/sketch-activation.ts';

test('a sketch holds the shares of the arguments and both curves at the middles', () => {
  const samples = [Float64Array.of(-3, -1, 0.01, 0.02), Float64Array.of(1, 5)];
  const { density, exact, polynomial } = sketchActivation(
    Math.abs,
    (x) => 1 + 2 * x * x,
    samples,
    [-2, 2],
  );
  expect([density.length, exact.length, polynomial.length]).toEqual([64, 64, 64]);
  expect(density.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 4);
  // Arguments beyond the range count at its ends.
  expect([density[0], density[32], density[63]]).toEqual([0.16667, 0.33333, 0.16667]);
  expect([exact[0], polynomial[0]]).toEqual([1.9688, 8.752]);
});
