/** Chebyshev polynomials on an interval, and sums of them as powers of x. */

/** Coefficients below this share of the largest are rounding, as the odd ones of an even function. */
const negligible = 1e-11;

/** T_0(s) … T_(size−1)(s). */
export function chebyshevAt(s: number, size: number): Float64Array {
  const basis = new Float64Array(size);
  basis[0] = 1;
  if (size > 1) basis[1] = s;
  for (let n = 2; n < size; n++) basis[n] = 2 * s * basis[n - 1]! - basis[n - 2]!;
  return basis;
}

/**
 * Σ a_n T_n(s) with s = −1 … 1 on [lo, hi], as coefficients of powers of x: constant term first,
 * without vanishing leading ones.
 */
export function monomialsOf(
  coefficients: Float64Array,
  [lo, hi]: readonly [number, number],
): number[] {
  const kept = withoutNegligible(coefficients);
  return substituteLine(chebyshevToMonomials(kept), (lo + hi) / 2, (hi - lo) / 2);
}

/** Σ a_n T_n(s) in powers of s, as many as there are terms. */
export function chebyshevToMonomials(coefficients: Float64Array): number[] {
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
export function substituteLine(
  coefficients: readonly number[],
  middle: number,
  half: number,
): number[] {
  return coefficients.reduceRight<number[]>((sum, coefficient) => {
    const next = coefficients.map((_, k) => ((sum[k - 1] ?? 0) - middle * (sum[k] ?? 0)) / half);
    next[0]! += coefficient;
    return next;
  }, []);
}

/** Of powers none is negligible by its size: those of high degrees are large, and cancel. */
function withoutNegligible(coefficients: Float64Array): Float64Array {
  const least = negligible * coefficients.reduce((most, c) => Math.max(most, Math.abs(c)), 0);
  const kept = coefficients.map((coefficient) => (Math.abs(coefficient) < least ? 0 : coefficient));
  const degree = kept.findLastIndex((coefficient) => coefficient !== 0);
  return kept.slice(0, Math.max(0, degree) + 1);
}
