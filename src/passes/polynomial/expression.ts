/** Elementwise expressions in one value, as polynomials whose coefficients are tensors. */
import { broadcastShapes, zipTensors } from '../../ir/tensor.ts';
import type { Tensor } from '../../ir/tensor.ts';
import { sameShape } from '../../ir/types.ts';

/** Coefficients by power, constant term first; each broadcasts to the shape of the root. */
export type Expression = readonly Tensor[];

const zero: Tensor = { shape: [], data: new Float64Array(1) };
const one: Tensor = { shape: [], data: Float64Array.of(1) };

const isZero = ({ data }: Tensor): boolean => data.every((value) => value === 0);

/** The root itself. */
export const identityExpression: Expression = [zero, one];

/** Without vanishing leading terms; at least the constant one stays. */
function trimmed(terms: readonly Tensor[]): Expression {
  const degree = terms.findLastIndex((term) => !isZero(term));
  return terms.slice(0, Math.max(0, degree) + 1);
}

export function degreeOfExpression(expression: Expression): number {
  return expression.length - 1;
}

export function sumExpressions(a: Expression, b: Expression, sign: 1 | -1): Expression {
  const count = Math.max(a.length, b.length);
  return trimmed(
    Array.from({ length: count }, (_, power) =>
      zipTensors(a[power] ?? zero, b[power] ?? zero, (x, y) => x + sign * y),
    ),
  );
}

export function multiplyExpressions(a: Expression, b: Expression): Expression {
  const product = new Array<Tensor>(a.length + b.length - 1).fill(zero);
  a.forEach((x, i) => {
    if (isZero(x)) return;
    b.forEach((y, j) => {
      if (isZero(y)) return;
      const term = zipTensors(x, y, (p, q) => p * q);
      product[i + j] = zipTensors(product[i + j] ?? zero, term, (p, q) => p + q);
    });
  });
  return trimmed(product);
}

/** outer(inner(x)), by Horner's rule. */
export function composeExpressions(outer: Expression, inner: Expression): Expression {
  return outer.reduceRight<Expression>(
    (sum, term) => sumExpressions(multiplyExpressions(sum, inner), [term], 1),
    [zero],
  );
}

/** Points at which the size of an expression over a range is sampled. */
const samplePoints = 33;

/** How large an expression is for arguments in a range, and the terms that make it up. */
export interface ExpressionSize {
  /** Largest magnitude of the value. */
  readonly value: number;
  /** Largest sum of the magnitudes of the terms: the error of evaluation is in proportion to it. */
  readonly terms: number;
}

export function sizeOfExpression(expression: Expression, { lo, hi }: Interval): ExpressionSize {
  const largest = ({ data }: Tensor): number =>
    data.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  const evaluate = (terms: Expression, x: number): number =>
    largest(terms.reduceRight((sum, term) => zipTensors(sum, term, (a, c) => a * x + c)));
  const magnitudes = expression.map(({ shape, data }) => ({ shape, data: data.map(Math.abs) }));
  let value = 0;
  for (let point = 0; point < samplePoints; point++) {
    value = Math.max(value, evaluate(expression, lo + ((hi - lo) * point) / (samplePoints - 1)));
  }
  return { value, terms: evaluate(magnitudes, Math.max(Math.abs(lo), Math.abs(hi))) };
}

interface Interval {
  readonly lo: number;
  readonly hi: number;
}

/** Whether every coefficient is a finite number and broadcasts to a shape without enlarging it. */
export function fitsShape(expression: Expression, shape: readonly number[]): boolean {
  return expression.every((term) => {
    const together = broadcastShapes(term.shape, shape);
    return together !== null && sameShape(together, shape) && term.data.every(Number.isFinite);
  });
}
