/** Polynomials of least squared error under a density. */
import { invariant } from '../../errors.ts';

/** Coefficients below this share of the largest term are rounding, as those of odd powers of an even function. */
const negligible = 1e-9;

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
    const monomials = substituteLine(
      chebyshevToMonomials(solveCholesky(lower, right)),
      middle,
      half,
    );
    return withoutNegligible(monomials, Math.max(Math.abs(lo), Math.abs(hi)));
  };
}

/** T_0(s) … T_(size−1)(s). */
function chebyshevAt(s: number, size: number): Float64Array {
  const basis = new Float64Array(size);
  basis[0] = 1;
  if (size > 1) basis[1] = s;
  for (let n = 2; n < size; n++) basis[n] = 2 * s * basis[n - 1]! - basis[n - 2]!;
  return basis;
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

/** Σ a_n T_n(s) in powers of s. */
function chebyshevToMonomials(coefficients: Float64Array): number[] {
  const size = coefficients.length;
  const sum = new Array<number>(size).fill(0);
  let before = new Array<number>(size).fill(0);
  let now = new Array<number>(size).fill(0);
  now[0] = 1;
  for (let n = 0; n < size; n++) {
    for (let k = 0; k < size; k++) sum[k]! += coefficients[n]! * now[k]!;
    // T_1 = s, then T_{n+1} = 2 s T_n − T_{n−1}.
    const factor = n === 0 ? 1 : 2;
    const next = now.map((_, k) => factor * (now[k - 1] ?? 0) - before[k]!);
    before = now;
    now = next;
  }
  return sum;
}

/** p((x − middle) / half) in powers of x, by Horner's rule. */
function substituteLine(coefficients: readonly number[], middle: number, half: number): number[] {
  return coefficients.reduceRight<number[]>((sum, coefficient) => {
    const next = coefficients.map((_, k) => ((sum[k - 1] ?? 0) - middle * (sum[k] ?? 0)) / half);
    next[0]! += coefficient;
    return next;
  }, []);
}

function withoutNegligible(coefficients: readonly number[], x: number): number[] {
  const terms = coefficients.map((coefficient, power) => Math.abs(coefficient) * x ** power);
  const least = negligible * Math.max(...terms);
  const kept = coefficients.map((coefficient, power) => (terms[power]! < least ? 0 : coefficient));
  const degree = kept.findLastIndex((coefficient) => coefficient !== 0);
  return kept.slice(0, Math.max(0, degree) + 1);
}
