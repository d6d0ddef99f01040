/**
 * The sign of x as a composition of polynomials, each the best one behind those before it.
 *
 * p_1 is the odd polynomial nearest to 1 on [δ, 1], p_2 the one nearest to 1 where p_1 takes that
 * interval, and so on: the error falls doubly exponentially with the levels, where one polynomial of a
 * degree d leaves an error of 1/d near 0.
 *
 * Source: E. Lee, J.-W. Lee, J.-S. No, Y.-S. Kim, "Minimax approximation of sign function by
 * composite polynomial for homomorphic comparison", IEEE TDSC 19(6), 2022 (ePrint 2020/834): the
 * construction, and the degrees of least depth by precision (table 2).
 */
import { invariant } from '../../errors.ts';
import { evaluatePolynomial } from './evaluate.ts';
import { minimaxPolynomial } from './minimax.ts';

/** By precision α, degrees that bring [2^−α, 1] to within 2^(1−α) of 1 in the fewest levels. */
export const signDegrees = {
  4: [27],
  5: [7, 13],
  6: [15, 15],
  7: [7, 7, 13],
  8: [7, 15, 15],
  9: [7, 7, 7, 13],
  10: [7, 7, 13, 15],
  11: [7, 15, 15, 15],
  12: [15, 15, 15, 15],
  13: [15, 15, 15, 31],
  14: [7, 7, 15, 15, 27],
  15: [7, 15, 15, 15, 27],
  16: [15, 15, 15, 15, 27],
} as const satisfies Readonly<Record<number, readonly number[]>>;

export interface SignStage {
  readonly degree: number;
  /** Of powers of its argument, constant term first: even ones are zero. */
  readonly coefficients: readonly number[];
  /** The largest argument, errors of evaluation included. */
  readonly reach: number;
  /** Largest distance from 1 for arguments of [δ, 1], through the stages before. */
  readonly error: number;
}

/**
 * The stages for degrees and the least magnitude δ whose sign counts, for −1 ≤ x ≤ 1.
 *
 * `slack` is how far the evaluation of a stage may be off. Cost: a minimax fit a stage.
 */
export function compositeSign(degrees: readonly number[], delta: number, slack = 0): SignStage[] {
  invariant(delta > 0 && delta < 1, 'the interval of magnitudes is inside 0 … 1');
  let [lo, hi] = [delta, 1];
  return degrees.map((degree) => {
    const { coefficients, error } = minimaxPolynomial(() => 1, [lo, hi], degree, 'odd');
    const stage = { degree, coefficients, reach: hi, error };
    [lo, hi] = [1 - error - slack, 1 + error + slack];
    return stage;
  });
}

/** The composition at a number. */
export function evaluateSign(stages: readonly SignStage[], x: number): number {
  return stages.reduce((value, { coefficients }) => evaluatePolynomial(coefficients, value), x);
}
