/**
 * Polynomials as sums of C_n(x) = 2 T_n(x / 2), n ≥ 1, and a constant.
 *
 * C_1 = x, C_2n = C_n² − 2 and C_k · C_j = C_(k+j) + C_(k−j): no factor has to be multiplied, and all
 * of them are within [−2, 2] where x is.
 */
import type { Tensor } from '../../ir/tensor.ts';
import type { PolynomialBasis } from './polynomial-tree.ts';

/** The magnitude within which all C_n stay bounded. */
export const chebyshevMagnitude = 2;
/** Degree from which the argument of a fit is made to fill the interval: below, powers lose a few bits. */
export const leastChebyshevDegree = 8;
/** Degree from which an argument that fills it is made use of. */
const leastDegree = 6;
/** How much smaller the terms must be than those of powers. */
const leastGain = 4;
/** An argument that is larger by rounding. */
const slack = 1 + 1e-9;

const minusTwo: Tensor = { shape: [], data: Float64Array.of(-2) };

/** C_1, C_2, … for sums of them. */
export const chebyshevBasis: PolynomialBasis = {
  double: (half) => ({ kind: 'shifted', of: { kind: 'square', of: half }, by: minusTwo }),
  divide(terms, k) {
    const rest = terms.slice(0, k);
    const quotient = terms.slice(k);
    quotient.forEach((term, j) => {
      if (j === 0) return;
      // C_0 is two where it comes of C_k², for a constant term counts ones.
      rest[k - j] = difference(rest[k - j]!, term, j === k ? 2 : 1);
    });
    return { quotient, rest };
  },
};

function difference(a: Tensor, b: Tensor, factor: number): Tensor {
  return { shape: a.shape, data: a.data.map((value, n) => value - factor * b.data[n]!) };
}

export interface ChebyshevForm {
  /** A constant, then coefficients of C_1, C_2, … of the argument doubled so many times. */
  readonly terms: readonly Tensor[];
  readonly doublings: number;
}

/** The form of a polynomial of which all elements have at most a magnitude, or null where powers do as well. */
export function chebyshevForm(terms: readonly Tensor[], magnitude: number): ChebyshevForm | null {
  if (terms.length <= leastDegree || !(magnitude > 0)) return null;
  const doublings = Math.floor(Math.log2((chebyshevMagnitude * slack) / magnitude));
  if (!(doublings >= 0) || doublings > maxDoublings) return null;
  const scaled = terms.map(({ shape, data }, n) => ({
    shape,
    data: data.map((value) => value * 2 ** (-doublings * n)),
  }));
  const form = inChebyshev(scaled);
  const most = 2 ** doublings * magnitude;
  const powers = largestSum(scaled, (n) => most ** n);
  const sums = largestSum(form, () => chebyshevMagnitude);
  return sums * leastGain <= powers ? { terms: form, doublings } : null;
}

/** Beyond that the argument is so small that a factor in front is missing. */
const maxDoublings = 8;

/** The largest sum of magnitudes of the terms, the constant left out, of any element. */
function largestSum(terms: readonly Tensor[], bound: (n: number) => number): number {
  const size = terms[0]?.data.length ?? 0;
  let most = 0;
  for (let element = 0; element < size; element++) {
    let sum = 0;
    for (let n = 1; n < terms.length; n++) sum += Math.abs(terms[n]!.data[element]!) * bound(n);
    most = Math.max(most, sum);
  }
  return most;
}

/** Coefficients below this share of the largest are the rounding of what was converted. */
const negligible = 2 ** -50;

/** Powers to C_n: x^n = Σ_k binomial(n, k) C_(n−2k), with half of C_0 = 2 in the middle. */
function inChebyshev(terms: readonly Tensor[]): Tensor[] {
  const form = terms.map(({ shape, data }) => ({ shape, data: new Float64Array(data.length) }));
  const sizes = terms.map(({ data }) => new Float64Array(data.length));
  terms.forEach(({ data }, n) => {
    let binomial = 1;
    for (let k = 0; 2 * k <= n; k++) {
      const at = n - 2 * k;
      data.forEach((value, element) => {
        form[at]!.data[element]! += binomial * value;
        sizes[at]![element]! += Math.abs(binomial * value);
      });
      binomial = (binomial * (n - k)) / (k + 1);
    }
  });
  return form.map(({ shape, data }, n) => ({
    shape,
    data: data.map((value, element) =>
      Math.abs(value) < negligible * sizes[n]![element]! ? 0 : value,
    ),
  }));
}
