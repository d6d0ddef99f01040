import { describe, expect, it } from 'vitest';
import {
  compositeSign,
  evaluateSign,
  signDegrees,
} from '../../../src/passes/polynomial/composite-sign.ts';

/** Coefficients of T_0, T_1, … from those of powers. */
function inChebyshev(powers: readonly number[]): number[] {
  const sums = powers.map(() => 0);
  powers.forEach((value, n) => {
    let binomial = 1;
    for (let k = 0; 2 * k <= n; k++) {
      sums[n - 2 * k]! += (value * binomial * (2 * k === n ? 1 : 2)) / 2 ** n;
      binomial = (binomial * (n - k)) / (k + 1);
    }
  });
  return sums;
}

describe('compositeSign', () => {
  it.each(Object.entries(signDegrees).map(([alpha, degrees]) => [Number(alpha), degrees] as const))(
    'meets precision %i with the published degrees %j',
    (alpha, degrees) => {
      const stages = compositeSign(degrees, 2 ** -alpha);
      expect(stages.map(({ degree }) => degree)).toEqual(degrees);
      expect(stages.at(-1)!.error).toBeLessThan(2 ** (1 - alpha));
      // The error that is stated is the one there is, and no larger one is anywhere.
      let worst = 0;
      for (let n = 0; n <= 20_000; n++) {
        const x = 2 ** (-alpha * (1 - n / 20_000));
        worst = Math.max(worst, Math.abs(evaluateSign(stages, x) - 1));
        expect(Math.abs(evaluateSign(stages, -x) + evaluateSign(stages, x))).toBeLessThan(1e-12);
      }
      expect(worst / stages.at(-1)!.error).toBeGreaterThan(0.99);
      expect(worst / stages.at(-1)!.error).toBeLessThan(1.001);
    },
  );

  it('needs all of the published degrees: with less of any the precision is missed', () => {
    const missing = (degrees: readonly number[], alpha: number): boolean =>
      compositeSign(degrees, 2 ** -alpha).at(-1)!.error > 2 ** (1 - alpha);
    expect(missing([7, 15, 7], 8)).toBe(true);
    expect(missing([7, 7, 15], 8)).toBe(true);
    expect(missing([7, 15, 15, 7], 12)).toBe(true);
  });

  // Lattigo, circuits/ckks/comparison: the default polynomial is documented as one of 21.926741 bits
  // for α = 30, degrees 15, 15, 15, 17, 31, 31, 31, 31 and an error of evaluation of 2^-35.
  it(
    'has the precision that Lattigo documents for its default polynomial',
    { timeout: 120_000 },
    () => {
      const stages = compositeSign([15, 15, 15, 17, 31, 31, 31, 31], 2 ** -30, 2 ** -35);
      expect(-Math.log2(stages.at(-1)!.error)).toBeCloseTo(21.926741, 5);
    },
  );

  // Published by the authors of Lattigo as SignPolys30 (pastebin Fbxhgztv, after ePrint 2020/834), for
  // α = 1: Chebyshev coefficients of odd degrees, the first polynomial divided by its largest value.
  it('has the published coefficients of degrees 7 and 9 on 1/2 … 1', () => {
    const [first, second] = compositeSign([7, 9], 0.5);
    const scaled = inChebyshev(first!.coefficients).map((value) => value / second!.reach);
    const published = [1.230715957236511, -0.328672378079633, 0.12180800359236, -0.03783444851034];
    published.forEach((value, n) => {
      expect(scaled[2 * n + 1]).toBeCloseTo(value, 8);
    });
    const own = inChebyshev(second!.coefficients.map((c, power) => c * second!.reach ** power));
    const following = [
      1.212183873699944, -0.271054028639235, 0.070572640722558, -0.012840242010512,
      0.00113775623576,
    ];
    following.forEach((value, n) => {
      expect(own[2 * n + 1]).toBeCloseTo(value, 8);
    });
  });
});
