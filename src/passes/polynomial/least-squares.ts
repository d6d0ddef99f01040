/** Polynomials of least squared error under a density. */
import { invariant } from '../../errors.ts';
import { chebyshevAt, chebyshevToMonomials, monomialsOf } from './chebyshev.ts';

/** Points and weights that a fit counts. */
export interface Density {
  readonly points: Float64Array<ArrayBuffer>;
  readonly weights: Float64Array<ArrayBuffer>;
}

/** The polynomial that fits one function: see polynomialFitter. */
export function fitPolynomial(
  f: (x: number) => number,
  density: Density,
  range: readonly [number, number],
  degree: number,
): number[] {
  return polynomialFitter(density, range, degree)(f);
}

/**
 * Fits the polynomial of a degree that minimises Σ weight · (p − f)² over the points of [lo, hi].
 *
 * The fitter returns the coefficients of powers of x, constant term first, without vanishing
 * leading ones. Normal equations in Chebyshev polynomials on the interval, in which they are well
 * conditioned as long as the weights reach all of it. Cost: points × degree², and points × degree
 * for each function.
 */
export function polynomialFitter(
  { points, weights }: Density,
  [lo, hi]: readonly [number, number],
  degree: number,
): (f: (x: number) => number) => number[] {
  const middle = (lo + hi) / 2;
  const half = (hi - lo) / 2;
  const size = degree + 1;
  const bases = Array.from(points, (x) => chebyshevAt((x - middle) / half, size));
  const matrix = Array.from({ length: size }, () => new Float64Array(size));
  bases.forEach((basis, k) => {
    for (let i = 0; i < size; i++) {
      for (let j = 0; j <= i; j++) matrix[i]![j]! += weights[k]! * basis[i]! * basis[j]!;
    }
  });
  const lower = factorCholesky(matrix);
  return (f) => {
    const right = new Float64Array(size);
    bases.forEach((basis, k) => {
      const value = weights[k]! * f(points[k]!);
      for (let i = 0; i < size; i++) right[i]! += basis[i]! * value;
    });
    return monomialsOf(solveCholesky(lower, right), [lo, hi]);
  };
}

/**
 * The coefficients of powers of u, constant term first, that minimise Σ weight · (p(u) − y)² over
 * points about 0: `degree` + 1 of them, vanishing ones too. Cost: points × degree².
 *
 * The normal equations are in Chebyshev polynomials on the interval that the points fill: a little
 * beyond it, those of degree 31 are 10⁹ and their squares all that a number holds.
 */
export function solveLeastSquares(
  u: readonly number[],
  y: readonly number[],
  weights: readonly number[],
  degree: number,
): number[] {
  const size = degree + 1;
  const matrix = Array.from({ length: size }, () => new Float64Array(size));
  const right = new Float64Array(size);
  const most = u.reduce((largest, point) => Math.max(largest, Math.abs(point)), 0) || 1;
  u.forEach((point, k) => {
    const basis = chebyshevAt(point / most, size);
    for (let i = 0; i < size; i++) {
      for (let j = 0; j <= i; j++) matrix[i]![j]! += weights[k]! * basis[i]! * basis[j]!;
      right[i]! += weights[k]! * basis[i]! * y[k]!;
    }
  });
  const inUnits = chebyshevToMonomials(solveCholesky(factorCholesky(matrix), right));
  return inUnits.map((coefficient, n) => coefficient / most ** n);
}

/** The lower factor of a symmetric positive definite matrix, of which the lower triangle is given. */
function factorCholesky(matrix: readonly Float64Array[]): readonly Float64Array[] {
  const lower = matrix.map((row) => row.slice());
  for (let i = 0; i < lower.length; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = lower[i]![j]!;
      for (let k = 0; k < j; k++) sum -= lower[i]![k]! * lower[j]![k]!;
      if (i === j) {
        invariant(sum > 0, 'the weights of a fit reach the whole interval');
        lower[i]![i] = Math.sqrt(sum);
      } else {
        lower[i]![j] = sum / lower[j]![j]!;
      }
    }
  }
  return lower;
}

/** Solve lower · lowerᵀ · x = right. */
function solveCholesky(lower: readonly Float64Array[], right: Float64Array): Float64Array {
  const size = right.length;
  const x = right.slice();
  for (let i = 0; i < size; i++) {
    for (let k = 0; k < i; k++) x[i]! -= lower[i]![k]! * x[k]!;
    x[i]! /= lower[i]![i]!;
  }
  for (let i = size - 1; i >= 0; i--) {
    for (let k = i + 1; k < size; k++) x[i]! -= lower[k]![i]! * x[k]!;
    x[i]! /= lower[i]![i]!;
  }
  return x;
}
