/** The error function, which Math does not have. */

/** Beyond it erf is 1 to the last bit of a double. */
const saturation = 6;
/** Below it the series converges fast, above it the continued fraction does. */
const change = 2.5;

/**
 * erf(x) = 2/√π ∫₀ˣ exp(−t²) dt, to a few units in the last place.
 *
 * Source: Abramowitz, Stegun, Handbook of Mathematical Functions, 7.1.6 (a series of positive terms)
 * and 7.1.14 (the continued fraction of erfc).
 */
export function erf(x: number): number {
  const z = Math.abs(x);
  if (!(z < saturation)) return Number.isNaN(z) ? NaN : Math.sign(x);
  const tail = Math.exp(-z * z) / Math.sqrt(Math.PI);
  return Math.sign(x) * (z < change ? 2 * tail * series(z) : 1 - tail / fraction(z));
}

/** erfc(x) = 1 − erf(x) for x ≥ 0, to a relative 1e-12 also where it is tiny. */
export function erfc(x: number): number {
  if (x < change) return 1 - erf(x);
  return Math.exp(-x * x) / Math.sqrt(Math.PI) / fraction(x);
}

/** Σ 2ⁿ z^(2n+1) / (1 · 3 · … · (2n+1)). */
function series(z: number): number {
  let term = z;
  let sum = z;
  for (let n = 1; term > sum * Number.EPSILON; n++) {
    term *= (2 * z * z) / (2 * n + 1);
    sum += term;
  }
  return sum;
}

/** z + (1/2)/(z + 1/(z + (3/2)/(z + …))). */
function fraction(z: number): number {
  let value = z;
  for (let n = 100; n >= 1; n--) value = z + n / 2 / value;
  return value;
}
