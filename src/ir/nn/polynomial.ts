import { z } from 'zod';
import { defineOp } from '../define-op.ts';
import type { OpContext } from '../define-op.ts';
import { addIntervals, multiplyIntervals, polynomialOfInterval } from '../intervals.ts';
import type { Interval } from '../intervals.ts';
import { polynomialTerms } from '../polynomial.ts';
import { broadcastStrides, broadcastTo } from '../tensor.ts';
import type { Tensor } from '../tensor.ts';
import { constantReference } from './attributes.ts';
import { boundsOf, shapeError, tensorOf, tensorType, tensorTypeOf, tensorValue } from './values.ts';

/** Pieces in which the argument is bounded: the error of interval arithmetic falls with the piece. */
const pieces = 64;

function horner(coefficients: readonly number[], x: Interval): Interval {
  return coefficients.reduceRight<Interval>(
    (sum, coefficient) => addIntervals(multiplyIntervals(sum, x), [coefficient, coefficient]),
    [0, 0],
  );
}

/** Bounds of one polynomial: exact up to degree 2 and for monomials, else piecewise. */
export function boundPolynomial(coefficients: readonly number[], [lo, hi]: Interval): Interval {
  const [c0 = 0, c1 = 0, c2 = 0] = coefficients;
  const degree = coefficients.findLastIndex((coefficient) => coefficient !== 0);
  if (degree <= 2) {
    const at = (x: number): number => (c2 * x + c1) * x + c0;
    const vertex = -c1 / (2 * c2);
    const values = vertex > lo && vertex < hi ? [at(lo), at(hi), at(vertex)] : [at(lo), at(hi)];
    return [Math.min(...values), Math.max(...values)];
  }
  if (coefficients.every((coefficient, n) => n === 0 || n === degree || coefficient === 0)) {
    return polynomialOfInterval(coefficients, [lo, hi]);
  }
  let low = Infinity;
  let high = -Infinity;
  for (let n = 0; n < pieces; n++) {
    const end = n === pieces - 1 ? hi : lo + ((hi - lo) * (n + 1)) / pieces;
    const piece: Interval = [lo + ((hi - lo) * n) / pieces, end];
    const byMonomials = polynomialOfInterval(coefficients, piece);
    const byHorner = horner(coefficients, piece);
    low = Math.min(low, Math.max(byMonomials[0], byHorner[0]));
    high = Math.max(high, Math.min(byMonomials[1], byHorner[1]));
  }
  return [low, high];
}

function checkedTerms(
  shape: readonly number[],
  coefficients: Tensor,
  context: OpContext,
): Tensor[] {
  const [count, ...own] = coefficients.shape;
  if (count === undefined || count < 1 || broadcastStrides(own, shape) === null) {
    shapeError(
      context,
      `coefficients [${coefficients.shape.join(',')}] do not fit [${shape.join(',')}]`,
      {
        coefficients: coefficients.shape,
        x: shape,
      },
    );
  }
  return polynomialTerms(coefficients);
}

export default defineOp({
  name: 'nn.polynomial',
  code: 30,
  summary: 'A polynomial of each element.',
  operands: [{ name: 'x', doc: 'argument' }],
  attributes: z.strictObject({
    /** Shape [degree + 1, …], each coefficient broadcast to the shape of x, constant term first. */
    coefficients: constantReference,
  }),
  // Of a square; a degree d takes ⌈log2 d⌉ and one more where coefficients are not folded away.
  levels: 1,
  infer([x], attributes, context) {
    const { shape } = tensorTypeOf(x);
    checkedTerms(shape, context.constant(attributes.coefficients), context);
    return tensorType(shape);
  },
  range([x], attributes, context) {
    const terms = polynomialTerms(context.constant(attributes.coefficients));
    let low = Infinity;
    let high = -Infinity;
    for (let n = 0; n < (terms[0]?.data.length ?? 0); n++) {
      const [lo, hi] = boundPolynomial(
        terms.map((term) => term.data[n]!),
        boundsOf(x),
      );
      low = Math.min(low, lo);
      high = Math.max(high, hi);
    }
    return [low, high];
  },
  evaluate([x], _, attributes, context) {
    const { shape, data } = tensorOf(x);
    const terms = checkedTerms(shape, context.constant(attributes.coefficients), context);
    const y = new Float64Array(data.length);
    for (const term of terms.toReversed()) {
      const coefficient = broadcastTo(term, shape).data;
      for (let n = 0; n < y.length; n++) y[n] = y[n]! * data[n]! + coefficient[n]!;
    }
    return tensorValue(shape, y);
  },
});
