/**
 * Error that each primitive of an evaluator adds, in one place for predictions and simulation.
 *
 * A coefficient variance is that of one coefficient of the error polynomial; `slotVariance` turns
 * it into the variance of the real part of a slot in message units. Derivations: docs/noise.md.
 */
import type { Modulus } from '../../ir/program.ts';
import { keyDigits } from '../../layout/key-digits.ts';

/** Variance of SEAL's error distribution (centred binomial of 21 coins a side): 42 / 4. */
export const errorVariance = 10.5;
/** Variance of a coefficient of a uniform ternary secret. */
export const secretVariance = 2 / 3;

/**
 * How an evaluator takes the digits of key switching: `centred` in (−D/2, D/2], as native does, or
 * in [0, D), as SEAL does; plans of several special primes run with centred digits only.
 */
export type Digits = 'centred' | 'uncentred';

/** Slot variance (real part) of a coefficient variance at a scale: N v / (2 S²). */
export function slotVariance(ringDegree: number, coefficient: number, scale: number): number {
  return (ringDegree * coefficient) / (2 * scale * scale);
}

/** Coefficient variance of a fresh symmetric encryption: σ². */
export const freshCoefficient = errorVariance;

/**
 * Slot variance of the rounding of an encoded real vector: N / (12 S²), twice the generic one, for
 * the rounding errors are antisymmetric like the coefficients, and all of it is real.
 *
 * A number in every slot is encoded as one coefficient: 1 / (12 S²).
 */
export function encodingVariance(ringDegree: number, scale: number, scalar = false): number {
  return (scalar ? 1 : ringDegree) / (12 * scale * scale);
}

/**
 * Coefficient variance of dividing polynomials c_0 … and rounding each: (1 + N V_s + 2 N² V_s²) / 12,
 * the last term for products that are not relinearised, since s² has coefficients of variance 2 N V_s².
 */
export function roundingCoefficient(ringDegree: number, size = 2): number {
  const secret = ringDegree * secretVariance;
  return (1 + secret + (size > 2 ? 2 * secret * secret : 0)) / 12;
}

/**
 * The same where the secret's value in the slot is known: `power` is |s(ζ_j)|², whose mean is N V_s
 * and whose distribution over keys is exponential, so that its square has the mean 2 N² V_s².
 */
export function roundingAt(power: number, size = 2): number {
  return (1 + power + (size > 2 ? power * power : 0)) / 12;
}

/** Σ (D_j / P)² and Σ D_j / P over the digits of a level. */
export function digitRatios(
  { primes, specialPrimes }: Modulus,
  level: number,
): { readonly squares: number; readonly sum: number } {
  const product = (list: readonly bigint[]): number => Number(list.reduce((a, b) => a * b, 1n));
  const special = product(specialPrimes);
  const ratios = keyDigits(level + 1, specialPrimes.length).map(
    ({ first, end }) => product(primes.slice(first, end)) / special,
  );
  return {
    squares: ratios.reduce((sum, ratio) => sum + ratio * ratio, 0),
    sum: ratios.reduce((sum, ratio) => sum + ratio, 0),
  };
}

/**
 * Coefficient variance of a key switch, before the rounding of its division by P:
 * N σ² Σ D_j² / 12 / P² for centred digits; four times that in the mean for uncentred ones, unevenly
 * spread over the slots (`uncentredProfile`).
 */
export function switchCoefficient(modulus: Modulus, level: number, digits: Digits): number {
  const { squares } = digitRatios(modulus, level);
  const centred = (modulus.ringDegree * errorVariance * squares) / 12;
  return digitsOf(modulus, digits) === 'centred' ? centred : 4 * centred;
}

/** What an evaluator really does with a plan: several special primes mean centred digits. */
export function digitsOf({ specialPrimes }: Modulus, digits: Digits): Digits {
  return specialPrimes.length > 1 ? 'centred' : digits;
}

const profiles = new Map<number, Float64Array<ArrayBuffer>>();

/**
 * Per slot, the share of its mean that the variance of a key switch with uncentred digits has:
 * (1 + 12 / (N |1 − ζ_j|²)) / 4, with ζ_j = e^(iπ 3^j / N) the root that slot j is the value at.
 *
 * A digit in [0, D) is a centred one plus D/2 · (1 + X + … + X^(N−1)), whose value at ζ is D / (1 − ζ).
 */
export function uncentredProfile(ringDegree: number): Float64Array<ArrayBuffer> {
  const known = profiles.get(ringDegree);
  if (known !== undefined) return known;
  const profile = new Float64Array(ringDegree / 2);
  let exponent = 1;
  for (let slot = 0; slot < profile.length; slot++) {
    // |1 − e^(iθ)|² = 4 sin²(θ/2)
    const sine = Math.sin((Math.PI * exponent) / (2 * ringDegree));
    profile[slot] = (1 + 12 / (ringDegree * 4 * sine * sine)) / 4;
    exponent = (exponent * 3) % (2 * ringDegree);
  }
  profiles.set(ringDegree, profile);
  return profile;
}
