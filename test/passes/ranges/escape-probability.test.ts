import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { escapeProbability } from '../../../src/passes/ranges/escape-probability.ts';
import { normalNumber, randomSource } from '../../support/random.ts';

const random = randomSource(9);
const draw = (count: number, one: () => number): number[] => Array.from({ length: count }, one);
/** The largest of a hundred elements. */
const largest = (one: () => number) => (): number => Math.max(...draw(100, one));
const normal = (): number => normalNumber(random);

describe('the probability of a maximum above a limit', () => {
  // 1 − Φ(limit)^100 of normal elements.
  it.each([
    [3.72, 1e-2],
    [4.27, 1e-3],
    [4.75, 1e-4],
  ])('of normal elements beyond %d: %d or somewhat more', (limit, exact) => {
    const predicted = escapeProbability(draw(128, largest(normal)), limit)!;
    expect(predicted).toBeGreaterThan(exact / 2);
    expect(predicted).toBeLessThan(exact * 100);
  });

  it('of heavy tails is not taken for exponential', () => {
    // P(x > t) = t^-3: the largest of a hundred exceeds 100 with a probability of 1e-4.
    const pareto = (): number => (1 - random()) ** (-1 / 3);
    const predicted = draw(21, () => escapeProbability(draw(512, largest(pareto)), 100)!);
    const median = predicted.toSorted((a, b) => a - b)[10]!;
    expect(median).toBeGreaterThan(1e-4 / 10);
    expect(median).toBeLessThan(1e-4 * 10);
  });

  it('is counted where the limit is below the median', () => {
    expect(escapeProbability([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 2.5)).toBe(0.8);
  });

  it('is 0 where all images have one maximum, and unknown from few', () => {
    expect(escapeProbability(new Array<number>(8).fill(1), 1)).toBe(0);
    expect(escapeProbability(new Array<number>(8).fill(1), 0.5)).toBe(1);
    expect(escapeProbability(new Array<number>(7).fill(1), 2)).toBeNull();
  });

  it('is a probability, falls with the limit and does not depend on units', () => {
    const value = fc.double({ min: -1e6, max: 1e6, noNaN: true });
    fc.assert(
      fc.property(fc.array(value, { minLength: 8, maxLength: 64 }), value, (maxima, limit) => {
        const at = (l: number): number => escapeProbability(maxima, l)!;
        expect(at(limit)).toBeGreaterThanOrEqual(0);
        expect(at(limit)).toBeLessThanOrEqual(1);
        const top = Math.max(...maxima);
        expect(at(top + 2)).toBeLessThanOrEqual(at(top + 1));
        const scaled = escapeProbability(
          maxima.map((x) => 4 * x),
          4 * limit,
        )!;
        expect(scaled).toBeCloseTo(at(limit), 9);
      }),
    );
  });
});
