/** Coefficient tensors of polynomial operations. */
import { invariant } from '../errors.ts';
import { polynomialOfInterval } from './intervals.ts';
import type { Interval } from './intervals.ts';
import type { Tensor } from './tensor.ts';

/** Coefficients of each power, constant term first: the slices of a [degree + 1, …] tensor. */
export function polynomialTerms(coefficients: Tensor): Tensor[] {
  const [count, ...shape] = coefficients.shape;
  invariant(count !== undefined && count >= 1, 'a polynomial has at least a constant term');
  const size = coefficients.data.length / count;
  return Array.from({ length: count }, (_, exponent) => ({
    shape,
    data: coefficients.data.slice(exponent * size, (exponent + 1) * size),
  }));
}

/** The highest power that any element has. */
export function degreeOf(coefficients: Tensor): number {
  const terms = polynomialTerms(coefficients);
  const leading = terms.findLastIndex((term) => term.data.some((value) => value !== 0));
  return Math.max(0, leading);
}

/** Interval bounds over all elements for arguments in x. */
export function polynomialBounds(coefficients: Tensor, x: Interval): Interval {
  const terms = polynomialTerms(coefficients);
  const size = terms[0]?.data.length ?? 0;
  let lo = Infinity;
  let hi = -Infinity;
  for (let n = 0; n < size; n++) {
    const [low, high] = polynomialOfInterval(
      terms.map((term) => term.data[n] ?? 0),
      x,
    );
    lo = Math.min(lo, low);
    hi = Math.max(hi, high);
  }
  return [lo, hi];
}
