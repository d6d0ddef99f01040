/**
 * Polynomials of groups of elements, fitted to what the exact network had behind the activation.
 *
 * The argument of every group is shifted and scaled to [-1, 1] first, which a linear map in front
 * takes over for nothing. The fit goes from the arguments of the network with polynomials to the
 * results of the exact one: it corrects the mean error, and the mean slope, of the layers before, as
 * an adjustment of biases and of the linear maps behind would.
 */
import { savesByFolding } from '../fold-polynomials.ts';
import { solveLeastSquares } from '../polynomial/least-squares.ts';
import type { ElementGroups } from './element-groups.ts';
import type { SampleMatrix } from './sample-matrix.ts';

/** How a fit weighs what was not seen. */
export interface Reach {
  /** How far it reaches beyond the arguments seen, 1 for not at all. */
  readonly margin: number;
  /** Share of the uniform density over all of that. */
  readonly tail: number;
}

/** p(x) = Σ coefficients[k] · u^k with u = (x − centre) / half. */
export interface GroupPolynomial {
  readonly centre: number;
  /** Half of the width of the arguments seen. */
  readonly half: number;
  /** The largest |u| that it is made for. */
  readonly reach: number;
  /** Constant term first; the leading one is not zero. */
  readonly coefficients: readonly number[];
}

const bins = 256;
const tailPoints = 256;
/**
 * The leading coefficient is at least this share of the others at the end of the range: a monic polynomial, which
 * saves a level, has coefficients of at most its inverse then, or would lose more than five bits.
 */
const leastLeading = 1 / 32;
/** The range of u is not taken to be narrower than this, even where a fit reaches less far. */
const leastReach = 1.25;
/** Half-width of a group, and leading coefficient, over the largest of all groups, at least. */
const leastShare = 2 ** -12;

/** Fit one polynomial of a degree for each group. Cost: a pass over x, and bins × degree² a group. */
export function fitGroups(
  groups: ElementGroups,
  x: SampleMatrix,
  target: SampleMatrix,
  degree: number,
  reach: Reach,
): GroupPolynomial[] {
  const seen = histograms(groups, x, target);
  const reaching = Math.max(leastReach, reach.margin);
  const widest = Math.max(...seen.map(({ lo, hi }) => hi - lo), Number.MIN_VALUE);
  const fitted = seen.map((histogram, k) => {
    const { lo, hi } = histogram;
    const half = Math.max((hi - lo) / 2, leastShare * widest);
    const centre = (lo + hi) / 2;
    const equations = pointsOf(histogram, { centre, half }, reach, groups.functions[k]!.evaluate);
    return { centre, half, equations, coefficients: fit(equations, degree, null) };
  });
  const largest = Math.max(...fitted.map(({ coefficients }) => Math.abs(coefficients[degree]!)));
  return fitted.map(({ centre, half, equations, coefficients }) => {
    const leading = coefficients[degree]!;
    const others = coefficients
      .slice(1, degree)
      .map((value, n) => Math.abs(value) * reaching ** (n + 1 - degree));
    const least = Math.max(leastLeading * Math.max(0, ...others), leastShare * largest);
    // What is not made monic may end in whatever fits best.
    const isFree = degree < 2 || (!savesByFolding(degree) && leading !== 0);
    const enough = isFree || Math.abs(leading) >= least || least === 0;
    return {
      centre,
      half,
      reach: reaching,
      coefficients: enough ? coefficients : fit(equations, degree, leading < 0 ? -least : least),
    };
  });
}

/** The polynomials on every sample. */
export function applyGroups(
  polynomials: readonly GroupPolynomial[],
  { of }: ElementGroups,
  { elements, samples, data }: SampleMatrix,
): SampleMatrix {
  const y = new Float64Array(data.length);
  for (let element = 0; element < elements; element++) {
    const { centre, half, coefficients } = polynomials[of[element]!]!;
    for (let n = element * samples; n < (element + 1) * samples; n++) {
      const u = (data[n]! - centre) / half;
      let value = 0;
      for (let k = coefficients.length - 1; k >= 0; k--) value = value * u + coefficients[k]!;
      y[n] = value;
    }
  }
  return { elements, samples, data: y };
}

interface Histogram {
  readonly lo: number;
  readonly hi: number;
  readonly counts: Float64Array;
  /** Sums of the targets in each bin. */
  readonly sums: Float64Array;
}

function histograms(
  { functions, of }: ElementGroups,
  { elements, samples, data }: SampleMatrix,
  target: SampleMatrix,
): Histogram[] {
  const lo = new Float64Array(functions.length).fill(Infinity);
  const hi = new Float64Array(functions.length).fill(-Infinity);
  for (let element = 0; element < elements; element++) {
    const group = of[element]!;
    for (let n = element * samples; n < (element + 1) * samples; n++) {
      if (data[n]! < lo[group]!) lo[group] = data[n]!;
      if (data[n]! > hi[group]!) hi[group] = data[n]!;
    }
  }
  const found = functions.map((_, group) => ({
    lo: lo[group]!,
    hi: hi[group]!,
    counts: new Float64Array(bins),
    sums: new Float64Array(bins),
  }));
  for (let element = 0; element < elements; element++) {
    const { lo: low, hi: high, counts, sums } = found[of[element]!]!;
    const perBin = high > low ? bins / (high - low) : 0;
    for (let n = element * samples; n < (element + 1) * samples; n++) {
      const bin = Math.min(bins - 1, Math.floor((data[n]! - low) * perBin));
      counts[bin]! += 1;
      sums[bin]! += target.data[n]!;
    }
  }
  return found;
}

/** Weighted points (u, y) that a polynomial is fitted to. */
interface Points {
  readonly u: number[];
  readonly y: number[];
  readonly weights: number[];
}

function pointsOf(
  { lo, hi, counts, sums }: Histogram,
  { centre, half }: { readonly centre: number; readonly half: number },
  { margin, tail }: Reach,
  f: (x: number) => number,
): Points {
  const total = counts.reduce((sum, count) => sum + count, 0);
  const points: Points = { u: [], y: [], weights: [] };
  const add = (x: number, y: number, weight: number): void => {
    points.u.push((x - centre) / half);
    points.y.push(y);
    points.weights.push(weight);
  };
  counts.forEach((count, bin) => {
    if (count === 0) return;
    add(lo + ((bin + 0.5) * (hi - lo)) / bins, sums[bin]! / count, ((1 - tail) * count) / total);
  });
  for (let n = 0; n < tailPoints; n++) {
    const x = centre + margin * half * ((2 * n + 1) / tailPoints - 1);
    const y = f(x);
    if (Number.isFinite(y)) add(x, y, tail / tailPoints);
  }
  return points;
}

/** Coefficients of powers of u; the leading one as it is given, if it is. */
function fit({ u, y, weights }: Points, degree: number, leading: number | null): number[] {
  if (leading === null) return solveLeastSquares(u, y, weights, degree);
  const rest = y.map((value, n) => value - leading * u[n]! ** degree);
  return [...solveLeastSquares(u, rest, weights, degree - 1), leading];
}
