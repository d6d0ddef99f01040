import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { valueSketch } from '../../../src/passes/ranges/value-sketch.ts';
import { randomSource } from '../../support/random.ts';

describe('valueSketch', () => {
  it('knows extremes, mean and quantiles of numbers in any order', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 400 }),
        (values) => {
          const sketch = valueSketch();
          for (const value of values) sketch.add(Float64Array.of(value));
          const result = sketch.result()!;
          const sorted = values.toSorted((a, b) => a - b);
          const largest = Math.max(2 ** -20, ...values.map(Math.abs));
          expect(result.count).toBe(values.length);
          expect(result.least).toBe(sorted[0]);
          expect(result.most).toBe(sorted.at(-1));
          for (const [share, quantile] of Object.entries(result.quantiles)) {
            const exact = sorted[Math.max(0, Math.ceil(Number(share) * values.length) - 1)]!;
            // Bins of an interval of up to four times the largest magnitude.
            expect(Math.abs(quantile - exact)).toBeLessThanOrEqual((4 * largest) / 4096);
          }
          expect(result.histogram.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 3);
        },
      ),
    );
  });

  it('fits the tail of an exponential distribution', () => {
    const random = randomSource(3);
    const sketch = valueSketch();
    const sign = (): number => (random() < 0.5 ? -1 : 1);
    sketch.add(Float64Array.from({ length: 100_000 }, () => -3 * sign() * Math.log(1 - random())));
    const { tail } = sketch.result()!;
    expect(tail.threshold / (3 * Math.log(100))).toBeGreaterThan(0.95);
    expect(tail.threshold / (3 * Math.log(100))).toBeLessThan(1.05);
    expect(tail.meanExcess / 3).toBeGreaterThan(0.9);
    expect(tail.meanExcess / 3).toBeLessThan(1.1);
  });

  it('leaves out what is not finite, and is empty before the first number', () => {
    const sketch = valueSketch();
    sketch.add(Float64Array.of(NaN, Infinity));
    expect(sketch.result()).toBeNull();
  });
});
