/** The distribution of numbers that come in any order, in little memory. */

/** Bins of a sketch, over a symmetric interval that doubles when a number exceeds it. */
const bins = 4096;
/** The tail beyond this share of the magnitudes is fitted. */
const tailShare = 0.01;

export interface Tail {
  /** Magnitude beyond which the tail begins: a hundredth of all magnitudes is larger. */
  readonly threshold: number;
  /** Mean of what exceeds it. An exponential tail falls by e over this length. */
  readonly meanExcess: number;
}

export interface Distribution {
  readonly count: number;
  readonly least: number;
  readonly most: number;
  readonly mean: number;
  /** Standard deviation. */
  readonly deviation: number;
  /** By share: the number that so many are below. Exact to a bin, 1/2048 of the largest magnitude or less. */
  readonly quantiles: Readonly<Record<string, number>>;
  readonly tail: Tail;
  /** Shares in intervals of one width from the least to the largest number. */
  readonly histogram: readonly number[];
}

const shares = [0.001, 0.01, 0.05, 0.5, 0.95, 0.99, 0.999];
const histogramBins = 32;

export interface ValueSketch {
  /** Cost: one step a number. */
  add(data: Float64Array): void;
  /** Null before the first number. */
  result(): Distribution | null;
}

/** An empty sketch: 32 KiB, however many numbers follow. */
export function valueSketch(): ValueSketch {
  let counts = new Float64Array(bins);
  // Powers of two, so that two bins are one when the interval doubles.
  let reach = 2 ** -20;
  let [count, sum, squares, least, most] = [0, 0, 0, Infinity, -Infinity];
  const grow = (): void => {
    const next = new Float64Array(bins);
    counts.forEach((own, n) => (next[bins / 4 + (n >> 1)]! += own));
    counts = next;
    reach *= 2;
  };
  const centre = (bin: number): number => ((bin + 0.5) / bins) * 2 * reach - reach;
  return {
    add(data) {
      for (const x of data) {
        if (!Number.isFinite(x)) continue;
        while (Math.abs(x) >= reach) grow();
        counts[Math.floor(((x + reach) / (2 * reach)) * bins)]! += 1;
        count += 1;
        sum += x;
        squares += x * x;
        if (x < least) least = x;
        if (x > most) most = x;
      }
    },
    result() {
      if (count === 0) return null;
      const mean = sum / count;
      const inside = (x: number): number => Math.min(most, Math.max(least, x));
      return {
        count,
        least,
        most,
        mean,
        deviation: Math.sqrt(Math.max(0, squares / count - mean * mean)),
        quantiles: Object.fromEntries(
          shares.map((share) => [String(share), inside(centre(binBelow(counts, share * count)))]),
        ),
        tail: tailOf(counts, centre, count),
        histogram: histogram(counts, centre, least, most, count),
      };
    },
  };
}

/** The bin in which the sum of counts reaches a number. */
function binBelow(counts: Float64Array, wanted: number): number {
  let sum = 0;
  for (let bin = 0; bin < counts.length; bin++) {
    sum += counts[bin]!;
    if (sum >= wanted && sum > 0) return bin;
  }
  return counts.length - 1;
}

function tailOf(counts: Float64Array, centre: (bin: number) => number, total: number): Tail {
  // From the ends inwards: the bins of one magnitude, largest first.
  let beyond = 0;
  let excess = 0;
  let threshold = 0;
  for (let n = 0; n < counts.length / 2; n++) {
    const own = counts[n]! + counts[counts.length - 1 - n]!;
    threshold = Math.abs(centre(n));
    if (beyond > 0 && beyond + own > tailShare * total) break;
    beyond += own;
    excess += own * threshold;
  }
  return { threshold, meanExcess: beyond === 0 ? 0 : excess / beyond - threshold };
}

function histogram(
  counts: Float64Array,
  centre: (bin: number) => number,
  least: number,
  most: number,
  total: number,
): number[] {
  const shares = new Array<number>(histogramBins).fill(0);
  const width = (most - least) / histogramBins;
  counts.forEach((own, bin) => {
    if (own === 0) return;
    const place = width > 0 ? Math.floor((centre(bin) - least) / width) : 0;
    shares[Math.min(histogramBins - 1, Math.max(0, place))]! += own / total;
  });
  return shares.map((share) => Number(share.toPrecision(5)));
}
