/**
 * How many standard deviations an error reaches.
 *
 * Given the secret, the error of a slot is normal: a sum of many roundings. That of a rescale, however,
 * is c·s(ζ_j), and |s(ζ_j)|² is, over keys and slots, N V_s times an exponential number E. Where a share
 * f of the variance comes from rescales in the slot itself, the variance given the secret is
 * (1 − f) + f E:
 *
 *   P(|z| > k) = ∫ e^(−t) erfc(k / √(2 (1 − f + f t))) dt
 *
 * from the normal distribution (f = 0) to that of Laplace (f = 1, e^(−√2 k)).
 */
import { erfc } from '../../ir/nn/error-function.ts';

/** Steps of the integral in √t, up to where e^(−t) is below 10^-43. */
const steps = 400;
const farthest = 10;

/** Probability that an error is more than `k` deviations, at a share of its variance from the slot's secret. */
export function tailProbability(k: number, secretShare: number): number {
  const step = farthest / steps;
  let sum = 0;
  for (let n = 0; n <= steps; n++) {
    const u = n * step;
    const variance = 1 - secretShare + secretShare * u * u;
    const tail = variance > 0 ? erfc(k / Math.sqrt(2 * variance)) : 0;
    sum += 2 * u * Math.exp(-u * u) * tail * (n === steps ? 0.5 : 1);
  }
  return sum * step;
}

/** Standard deviations that none of `count` errors exceeds but with a probability of 2^-20. */
export function mostDeviations(count: number, secretShare: number): number {
  const each = 2 ** -20 / Math.max(1, count);
  let [low, high] = [0, 64];
  while (high - low > 1e-3) {
    const middle = (low + high) / 2;
    if (tailProbability(middle, secretShare) > each) low = middle;
    else high = middle;
  }
  return high;
}
