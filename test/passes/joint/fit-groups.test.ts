import { describe, expect, test } from 'vitest';
import { applyGroups, fitGroups } from '../../../src/passes/joint/fit-groups.ts';
import type { Reach } from '../../../src/passes/joint/fit-groups.ts';
import type { ElementGroups } from '../../../src/passes/joint/element-groups.ts';
import { sampleMatrix } from '../../../src/passes/joint/sample-matrix.ts';

const relu = (x: number): number => Math.max(0, x);
const samples = 400;
/** Two channels of one element: one about 0, one that is positive nearly always. */
const x = sampleMatrix(
  Array.from({ length: samples }, (_, n) => {
    const t = (2 * n + 1) / samples - 1;
    return Float64Array.of(t, 100 + 90 * t);
  }),
);
const target = { ...x, data: x.data.map(relu) };
const one = { evaluate: relu, left: () => null, parity: undefined };
const groups: ElementGroups = { functions: [one, one], of: Uint32Array.of(0, 1) };
const reach = { margin: 1.25, tail: 1e-3 };

function rms(degree: number): number[] {
  const y = applyGroups(fitGroups(groups, x, target, degree, reach), groups, x);
  return [0, 1].map((element) => {
    let sum = 0;
    for (let n = element * samples; n < (element + 1) * samples; n++) {
      sum += (y.data[n]! - target.data[n]!) ** 2;
    }
    return Math.sqrt(sum / samples);
  });
}

describe('polynomials of groups', () => {
  test('of higher degrees are nearer', () => {
    const errors = [2, 4, 8].map((degree) => rms(degree)[0]!);
    expect(errors).toEqual(errors.toSorted((a, b) => b - a));
    // 2/15 − (1/4)² … of x² fitted to |x|/2 on [−1, 1]: about 0.034.
    expect(errors[0]).toBeLessThan(0.04);
  });

  test('have leading coefficients that monic polynomials can be made of', () => {
    for (const degree of [2, 3, 4, 8]) {
      for (const { coefficients, reach: most } of fitGroups(groups, x, target, degree, reach)) {
        const leading = Math.abs(coefficients[degree]!) * most ** degree;
        expect(leading).toBeGreaterThan(0);
        coefficients.slice(1, degree).forEach((value, n) => {
          expect(Math.abs(value) * most ** (n + 1)).toBeLessThan(64 * leading);
        });
      }
    }
    // What that costs the channel which is a straight line, of a width of 180.
    expect(rms(2)[1]).toBeLessThan(1.5);
  });

  test('are nearer with every degree where no leading coefficient has to be one', () => {
    const alike = { ...x, data: x.data.map((value, n) => (n < samples ? value ** 9 : value)) };
    const exact = { ...alike, data: alike.data.map(relu) };
    const errors = [15, 20, 24, 31].map((degree) => {
      const fits = fitGroups(groups, alike, exact, degree, { margin: 1.5, tail: 3e-2 });
      const y = applyGroups(fits, groups, alike).data.slice(0, samples);
      return Math.hypot(...y.map((value, n) => value - exact.data[n]!));
    });
    expect(errors).toEqual(errors.toSorted((a, b) => b - a));
  });

  test('are found where nearly all arguments are alike', () => {
    const seen = sampleMatrix(
      Array.from({ length: samples }, (_, n) => {
        const t = (2 * n + 1) / samples - 1;
        return Float64Array.of(n % (samples - 1) === 0 ? t : t / 1000);
      }),
    );
    const exact = { ...seen, data: seen.data.map(relu) };
    const single: ElementGroups = { functions: [one], of: Uint32Array.of(0) };
    const fits = fitGroups(single, seen, exact, 31, { margin: 1.5, tail: 3e-2 });
    const y = applyGroups(fits, single, seen);
    expect(Math.max(...y.data.map((value, n) => Math.abs(value - exact.data[n]!)))).toBeLessThan(
      0.1,
    );
  });

  test('of high degree stay near the function as far as they reach', () => {
    const farther = { ...x, data: x.data.map((value) => 1.4 * value) };
    const worst = (own: Reach): number => {
      const y = applyGroups(fitGroups(groups, x, target, 15, own), groups, farther);
      const errors = y.data
        .slice(0, samples)
        .map((value, n) => Math.abs(value - relu(farther.data[n]!)));
      return Math.max(...errors);
    };
    expect(worst({ margin: 1.5, tail: 3e-2 })).toBeLessThan(0.2);
    expect(worst({ margin: 1.25, tail: 1e-3 })).toBeGreaterThan(2);
  });

  test('correct the mean error of the layers before', () => {
    const shifted = { ...x, data: x.data.map((value) => value + 3) };
    const y = applyGroups(fitGroups(groups, shifted, target, 4, reach), groups, shifted);
    const mean = (data: Float64Array, element: number): number =>
      data.slice(element * samples, (element + 1) * samples).reduce((a, b) => a + b) / samples;
    for (const element of [0, 1]) {
      expect(Math.abs(mean(y.data, element) - mean(target.data, element))).toBeLessThan(0.05);
    }
  });
});
