/** What a reader of the report sees of an activation: both curves, over what was seen. */
import type { ActivationSketch } from '../define-pass.ts';

/** Intervals of a sketch: a curve of 64 points looks smooth, and takes little of the report. */
const intervals = 64;
/** Significant digits of a sketch. */
const digits = 5;

/** How many samples fall into each of `bins` intervals of a range; those beyond it, into the last ones. */
export function histogramOf(
  samples: readonly Float64Array[],
  [lo, hi]: readonly [number, number],
  bins: number,
): Float64Array {
  const counts = new Float64Array(bins);
  for (const data of samples) {
    for (const x of data) {
      const bin = Math.floor(((x - lo) / (hi - lo)) * bins);
      counts[Math.min(bins - 1, Math.max(0, bin))]! += 1;
    }
  }
  return counts;
}

/** Sketch a function beside its polynomial. Cost: one pass over the samples. */
export function sketchActivation(
  exact: (x: number) => number,
  polynomial: (x: number) => number,
  samples: readonly Float64Array[],
  range: readonly [number, number],
): ActivationSketch {
  const [lo, hi] = range;
  const places = Array.from(
    { length: intervals },
    (_, n) => lo + ((n + 0.5) * (hi - lo)) / intervals,
  );
  const counts = histogramOf(samples, range, intervals);
  const total = Math.max(
    1,
    counts.reduce((sum, count) => sum + count, 0),
  );
  return {
    density: [...counts].map((count) => rounded(count / total)),
    exact: places.map((x) => rounded(exact(x))),
    polynomial: places.map((x) => rounded(polynomial(x))),
  };
}

function rounded(x: number): number {
  return Number(x.toPrecision(digits));
}
