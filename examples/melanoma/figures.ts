/** Figures of a score: areas and accuracies, with bootstrap intervals; the same rules as `metrics.py`. */
import { randomNumbers } from './random-numbers.ts';

/** Scores of images and whether each is a melanoma. */
export interface Scored {
  readonly scores: readonly number[];
  readonly positive: readonly boolean[];
}

export interface Figure {
  readonly value: number;
  /** Percentile bootstrap, 95 %; melanomas and others are drawn apart. */
  readonly interval: readonly [number, number];
}

/** The probability that a melanoma scores above another image, ties counting half (Mann-Whitney). */
export function areaUnderCurve({ scores, positive }: Scored): number {
  const order = scores.map((_, n) => n).sort((a, b) => scores[a]! - scores[b]!);
  let [sum, hits] = [0, 0];
  for (let first = 0; first < order.length;) {
    let end = first;
    while (end < order.length && scores[order[end]!] === scores[order[first]!]) end++;
    const rank = (first + 1 + end) / 2;
    for (; first < end; first++) {
      if (positive[order[first]!] !== true) continue;
      sum += rank;
      hits++;
    }
  }
  return (sum - (hits * (hits + 1)) / 2) / (hits * (scores.length - hits));
}

/** Shares of melanomas and of other images that are told right: those from the threshold on are called so. */
export function rates({ scores, positive }: Scored, threshold: number) {
  const counts = { hits: 0, melanomas: 0, passes: 0, others: 0 };
  scores.forEach((score, n) => {
    if (positive[n] === true) {
      counts.melanomas++;
      if (score >= threshold) counts.hits++;
    } else {
      counts.others++;
      if (score < threshold) counts.passes++;
    }
  });
  const sensitivity = counts.hits / counts.melanomas;
  const specificity = counts.passes / counts.others;
  return {
    ...counts,
    sensitivity,
    specificity,
    balanced: (sensitivity + specificity) / 2,
    accuracy: (counts.hits + counts.passes) / scores.length,
  };
}

/** Points (share of others, share of melanomas) that a threshold calls melanoma, from none to all. */
export function rocCurve({ scores, positive }: Scored): (readonly [number, number])[] {
  const order = scores.map((_, n) => n).sort((a, b) => scores[b]! - scores[a]!);
  const melanomas = positive.filter(Boolean).length;
  const others = scores.length - melanomas;
  const points: (readonly [number, number])[] = [[0, 0]];
  let [hits, misses] = [0, 0];
  order.forEach((n, k) => {
    if (positive[n] === true) hits++;
    else misses++;
    if (scores[n] !== scores[order[k + 1] ?? -1]) points.push([misses / others, hits / melanomas]);
  });
  return points;
}

/** A figure with its interval; the same numbers on every machine. Cost: `repeats` times the figure. */
export function withInterval(
  figure: (scored: Scored) => number,
  { scores, positive }: Scored,
  repeats = 1000,
): Figure {
  const random = randomNumbers(1);
  const parts = [true, false].map((kind) => positive.flatMap((is, n) => (is === kind ? [n] : [])));
  const values = Array.from({ length: repeats }, () => {
    const drawn = parts.flatMap((part) =>
      part.map(() => part[Math.floor(random() * part.length)]!),
    );
    return figure({
      scores: drawn.map((n) => scores[n]!),
      positive: drawn.map((n) => positive[n]!),
    });
  }).sort((a, b) => a - b);
  const at = (share: number): number => values[Math.round(share * (values.length - 1))] ?? NaN;
  return { value: figure({ scores, positive }), interval: [at(0.025), at(0.975)] };
}
