/**
 * The probability that the largest element of an image exceeds a limit, from the largest elements of
 * other images.
 *
 * The upper half of the maxima is taken as a tail (peaks over a threshold: Coles, "An Introduction to
 * Statistical Modeling of Extreme Values", ch. 4): exponential, with a mean excess two standard errors
 * above the one seen; or generalised Pareto with a shape one standard error above, where that is more.
 */

/** Fewer maxima show no tail. */
export const leastMaxima = 8;

/** Probability of a maximum above `limit`; null from fewer than `leastMaxima`. */
export function escapeProbability(maxima: readonly number[], limit: number): number | null {
  const count = maxima.length;
  if (count < leastMaxima) return null;
  const sorted = Float64Array.from(maxima).sort();
  const threshold = sorted[Math.floor(count / 2)]!;
  const excesses = sorted.filter((value) => value > threshold).map((value) => value - threshold);
  const distance = limit - threshold;
  if (distance < 0) return maxima.filter((value) => value > limit).length / count;
  // The images have one maximum in common.
  if (excesses.length === 0) return 0;
  const above = excesses.length;
  const mean = excesses.reduce((sum, excess) => sum + excess, 0) / above;
  const exponential = Math.exp(-distance / (mean * (1 + 2 / Math.sqrt(above))));
  // Probability-weighted moments: Hosking, Wallis, Technometrics 29 (1987), 339–349.
  const weighted =
    excesses.reduce((sum, excess, n) => sum + (1 - (n + 0.65) / above) * excess, 0) / above;
  const shape = 2 - mean / (mean - 2 * weighted) + 1 / Math.sqrt(above);
  const width = (2 * mean * weighted) / (mean - 2 * weighted);
  const heavy = shape > 0 ? (1 + (shape * distance) / width) ** (-1 / shape) : 0;
  return (above / count) * Math.max(exponential, heavy);
}
