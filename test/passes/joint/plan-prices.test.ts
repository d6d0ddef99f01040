import { describe, expect, test } from 'vitest';
import { planPrices } from '../../../src/passes/joint/plan-prices.ts';
import type { DegreePrices } from '../../../src/passes/joint/price-degrees.ts';

/** A level a degree, ring 2^13 up to six levels and 2^14 up to ten; a ring twice as large takes twice as long. */
const estimates: DegreePrices = {
  room(degrees, leastRing = 0) {
    const levels = degrees.reduce((sum, degree) => sum + degree, 0);
    const ringDegree =
      [8192, 16384].find((ring) => ring >= leastRing && levels <= (ring === 8192 ? 6 : 10)) ?? null;
    return { levels, ringDegree };
  },
  of(degrees, leastRing) {
    const { levels, ringDegree } = estimates.room(degrees, leastRing);
    const seconds = ringDegree === null ? Infinity : (levels * ringDegree) / 8192;
    return { seconds, levels, ringDegree };
  },
  levelsOf: (_, degree) => degree,
  productsOf: (_, degree) => degree,
  available: 10,
  layers: [],
};

describe('prices of combinations', () => {
  test('are estimates until a plan is known', () => {
    const prices = planPrices(estimates);
    expect(prices.of([2, 2])).toEqual({ seconds: 4, levels: 4, ringDegree: 8192, compiled: false });
    prices.learn([2, 2], { seconds: 5, levels: 4, ringDegree: 8192 });
    expect(prices.of([2, 2])).toEqual({ seconds: 5, levels: 4, ringDegree: 8192, compiled: true });
    expect(prices.compiled()).toBe(1);
    expect(prices.cheapestPlan()).toEqual([2, 2]);
  });

  test('take the larger ring of a plan with no more levels and no larger degree', () => {
    const prices = planPrices(estimates);
    prices.learn([2, 3], { seconds: 10, levels: 5, ringDegree: 16384 });
    expect(prices.of([3, 2]).ringDegree).toBe(16384);
    expect(prices.of([3, 3])).toMatchObject({ ringDegree: 16384, seconds: 12 });
    // Fewer levels leave room for a larger scale.
    expect(prices.of([2, 2]).ringDegree).toBe(8192);
  });

  test('are put right by what plans cost more than their estimates, all alike', () => {
    const prices = planPrices(estimates);
    prices.learn([1, 1], { seconds: 4, levels: 2, ringDegree: 8192 });
    expect(prices.of([2, 2]).seconds).toBeCloseTo(8, 12);
    prices.learn([1, 2], { seconds: 24, levels: 3, ringDegree: 8192 });
    // The geometric mean of 2 and 8.
    expect(prices.of([2, 2]).seconds).toBeCloseTo(16, 12);
    expect(prices.cheapestPlan()).toEqual([1, 1]);
  });

  test('rule out what is no smaller than a combination without a plan', () => {
    const prices = planPrices(estimates);
    prices.learn([2, 3], null);
    expect(prices.of([2, 3]).seconds).toBe(Infinity);
    expect(
      [
        [2, 3],
        [3, 3],
        [1, 1],
      ].map((degrees) => prices.fits(degrees)),
    ).toEqual([false, false, true]);
    expect(prices.of([3, 3])).toMatchObject({ seconds: Infinity, ringDegree: null });
    expect(prices.of([1, 1]).seconds).toBe(2);
    expect(prices.cheapestPlan()).toBeNull();
    expect(prices.refused()).toEqual([2, 3]);
  });
});
