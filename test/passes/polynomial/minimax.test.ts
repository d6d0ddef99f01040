import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { activationFunction } from '../../../src/ir/nn/activation-functions.ts';
import { fitPolynomial } from '../../../src/passes/polynomial/least-squares.ts';
import { minimaxPolynomial } from '../../../src/passes/polynomial/minimax.ts';

const functions = {
  exp: Math.exp,
  relu: (x: number) => Math.max(0, x),
  abs: Math.abs,
  sigmoid: (x: number) => 1 / (1 + Math.exp(-x)),
  tanh: Math.tanh,
  erf: (x: number) => activationFunction('erf').evaluate(x, {}),
  gelu: (x: number) => activationFunction('gelu').evaluate(x, {}),
  silu: (x: number) => x / (1 + Math.exp(-x)),
  softplus: (x: number) => Math.log1p(Math.exp(x)),
  log: Math.log,
};

/** From minimax-references.py: name, interval, degree, largest error. */
const references: readonly [keyof typeof functions, number, number, number, number][] = [
  ['exp', -1, 1, 3, 0.0055283701086875885],
  ['exp', -1, 1, 7, 1.9982527697547409e-7],
  ['exp', -1, 1, 15, 1.481459325908618e-18],
  ['relu', -2, 3, 3, 0.1429938834791749],
  ['relu', -2, 3, 7, 0.049435408914552299],
  ['relu', -2, 3, 15, 0.024453769172766175],
  ['abs', -1, 2, 3, 0.14683992568559029],
  ['abs', -1, 2, 7, 0.062752799878949753],
  ['abs', -1, 2, 15, 0.027073138557329415],
  ['sigmoid', -8, 6, 3, 0.0894603755084224],
  ['sigmoid', -8, 6, 7, 0.017929529624489104],
  ['sigmoid', -8, 6, 15, 0.00054247609953686904],
  ['tanh', -3, 2, 3, 0.11187216412200963],
  ['tanh', -3, 2, 7, 0.012184390133845134],
  ['tanh', -3, 2, 15, 7.1027022315813944e-5],
  ['erf', -2, 2.5, 3, 0.10030198194491895],
  ['erf', -2, 2.5, 7, 0.0071410915462654751],
  ['erf', -2, 2.5, 15, 6.837914317545317e-6],
  ['gelu', -4, 3, 3, 0.17795793304488562],
  ['gelu', -4, 3, 7, 0.013538279462185326],
  ['gelu', -4, 3, 15, 1.7665193072394605e-5],
  ['silu', -6, 5, 3, 0.26760815629139654],
  ['silu', -6, 5, 7, 0.025936598043930584],
  ['silu', -6, 5, 15, 0.00024975698961803243],
  ['softplus', -5, 4, 3, 0.075831490277150534],
  ['softplus', -5, 4, 7, 0.0024063991513582635],
  ['softplus', -5, 4, 15, 4.1887837227963643e-6],
  ['log', 0.5, 4, 3, 0.030571350467857264],
  ['log', 0.5, 4, 7, 0.00082692612547706643],
  ['log', 0.5, 4, 15, 1.148503695334078e-6],
];

const evaluate = (coefficients: readonly number[], x: number): number =>
  coefficients.reduceRight((sum, c) => sum * x + c, 0);

/** Largest error on a grid finer than the one the fit looks at. */
function worst(
  coefficients: readonly number[],
  f: (x: number) => number,
  [lo, hi]: readonly [number, number],
): number {
  const points = 5000;
  let most = 0;
  for (let k = 0; k <= points; k++) {
    const x = lo + ((hi - lo) * k) / points;
    most = Math.max(most, Math.abs(evaluate(coefficients, x) - f(x)));
  }
  return most;
}

describe('minimaxPolynomial', () => {
  it.each(references)(
    '%s on [%f, %f], degree %i: the error is %f',
    (name, lo, hi, degree, error) => {
      const f = functions[name];
      const fit = minimaxPolynomial(f, [lo, hi], degree);
      expect(Math.abs(fit.error - error)).toBeLessThan(1e-9);
      // Powers of x lose digits that the sum of Chebyshev polynomials had.
      const measured = worst(fit.coefficients, f, [lo, hi]);
      expect(measured).toBeLessThan(error * (1 + 1e-6) + 1e-8);
    },
  );

  it('has no larger worst error than a fit of least squares', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...Object.values(functions).slice(0, -1)),
        fc.tuple(
          fc.double({ min: -4, max: -0.5, noNaN: true }),
          fc.double({ min: 0.5, max: 4, noNaN: true }),
        ),
        fc.integer({ min: 1, max: 11 }),
        (f, [lo, hi], degree) => {
          const points = Float64Array.from(
            { length: 400 },
            (_, k) => lo + ((hi - lo) * (k + 0.5)) / 400,
          );
          const squares = fitPolynomial(
            f,
            { points, weights: points.map(() => 1) },
            [lo, hi],
            degree,
          );
          const { coefficients } = minimaxPolynomial(f, [lo, hi], degree);
          expect(worst(coefficients, f, [lo, hi])).toBeLessThanOrEqual(
            worst(squares, f, [lo, hi]) * (1 + 1e-6) + 1e-9,
          );
        },
      ),
      { numRuns: 60 },
    );
  });

  it.each([
    { name: 'tanh', parity: 'odd', f: Math.tanh, degree: 15 },
    { name: '|x|', parity: 'even', f: Math.abs, degree: 8 },
  ] as const)(
    '$name: an $parity function needs the powers of its parity only',
    ({ parity, f, degree }) => {
      const half = minimaxPolynomial(f, [0, 3], degree, parity);
      half.coefficients.forEach((coefficient, power) => {
        if (power % 2 === (parity === 'even' ? 1 : 0)) expect(coefficient).toBe(0);
      });
      // The best one on the mirrored interval has these powers only.
      expect(half.error).toBeCloseTo(minimaxPolynomial(f, [-3, 3], degree + 1).error, 9);
      expect(worst(half.coefficients, f, [-3, 3])).toBeLessThan(half.error * (1 + 1e-6) + 1e-9);
    },
  );

  it('follows one number on an interval far from zero with odd powers', () => {
    const { coefficients, error } = minimaxPolynomial(() => 1, [0.01, 1], 27, 'odd');
    expect(worst(coefficients, () => 1, [0.01, 1])).toBeLessThan(error * (1 + 1e-3));
    expect(error).toBeLessThan(minimaxPolynomial(() => 1, [0.01, 1], 15, 'odd').error);
  });
});
