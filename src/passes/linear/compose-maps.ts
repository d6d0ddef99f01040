/** Composition and sums of sparse matrices that keep their compact form where that is possible. */
import {
  composeMaps,
  compositionCost,
  entryCount,
  identityMap,
  rowLengths,
} from '../../ir/linear-map.ts';
import type { LinearMap } from '../../ir/linear-map.ts';
import { forEachRun } from '../../ir/map-runs.ts';
import { elementCount } from '../../layout/layout.ts';
import type { WorkBudget } from '../work-budget.ts';
import { composeSegments } from './compose-segments.ts';

/** Entries that are gathered to see whether some fall together: a gigabyte. */
const maxGatheredEntries = 2 ** 26;

/** Steps of a product of two entries, and bytes of an entry while entries are gathered. */
const stepsPerProduct = 150;
const bytesPerEntry = 100;

/** The diagonal of a matrix that has no other entries (row-major order kept), else null. */
export function diagonalOf(map: LinearMap): Float64Array<ArrayBuffer> | null {
  const size = elementCount(map.inShape);
  if (size !== elementCount(map.outShape) || entryCount(map) > size) return null;
  const diagonal = new Float64Array(size);
  let others = 0;
  forEachRun(map.segments, 'longest', (out, input, weight, run) => {
    for (let n = 0; n < run.count; n++) {
      const o = out + n * run.out;
      if (o !== input + n * run.input) others++;
      diagonal[o]! += map.weights[weight + n * run.weight]!;
    }
  });
  return others > 0 ? null : diagonal;
}

/** Whether a matrix has at most one entry a row: reorderings, cuts, paddings, repetitions, scales. */
export function isSelection(map: LinearMap): boolean {
  const rows = elementCount(map.outShape);
  if (entryCount(map) > rows) return false;
  return rowLengths(map).every((length) => length <= 1);
}

/**
 * Multiply every entry by a factor of its row or column inside the weights, segments unchanged.
 *
 * Null where entries that share a weight need different factors, or where a factor of zero would
 * leave entries that count for nothing.
 */
function scaleWeights(
  map: LinearMap,
  factor: Float64Array<ArrayBuffer>,
  by: 'out' | 'input',
): LinearMap | null {
  const factors = new Float64Array(map.weights.length);
  let conflicts = 0;
  forEachRun(map.segments, 'longest', (out, input, weight, run) => {
    let at = by === 'out' ? out : input;
    for (let n = 0; conflicts === 0 && n < run.count; n++, at += run[by]) {
      const w = weight + n * run.weight;
      const f = factor[at]!;
      if (f === 0 || (factors[w] !== 0 && factors[w] !== f)) conflicts++;
      factors[w] = f;
    }
  });
  if (conflicts > 0) return null;
  return { ...map, weights: map.weights.map((weight, w) => Math.fround(weight * factors[w]!)) };
}

/**
 * second ∘ first; weights are rounded to float32.
 *
 * Diagonal factors (scales, batch normalisations) and reshapes keep the segments of the other one.
 * Throws WorkExceeded.
 */
export function composeTwo(second: LinearMap, first: LinearMap, work?: WorkBudget): LinearMap {
  const shapes = { inShape: first.inShape, outShape: second.outShape };
  const inner = diagonalOf(first);
  if (inner !== null) {
    if (inner.every((value) => value === 1)) return { ...second, ...shapes };
    const scaled = scaleWeights(second, inner, 'input');
    if (scaled !== null) return { ...scaled, ...shapes };
  }
  const outer = diagonalOf(second);
  if (outer !== null) {
    if (outer.every((value) => value === 1)) return { ...first, ...shapes };
    const scaled = scaleWeights(first, outer, 'out');
    if (scaled !== null) return { ...scaled, ...shapes };
  }
  return composeSegments(second, first) ?? composeGathered(second, first, work);
}

/** second ∘ first entry by entry, announced first. */
function composeGathered(second: LinearMap, first: LinearMap, work?: WorkBudget): LinearMap {
  const products = compositionCost(second, first);
  const most = elementCount(second.outShape) * elementCount(first.inShape);
  work?.spend(stepsPerProduct * products);
  work?.hold(bytesPerEntry * Math.min(products, most));
  return composeMaps(second, first);
}

/**
 * a + b as one matrix: entries of both, gathered anew only where some fall together.
 *
 * Throws WorkExceeded.
 */
export function addMaps(a: LinearMap, b: LinearMap, work?: WorkBudget): LinearMap {
  const offset = a.weights.length;
  const weights = new Float64Array(offset + b.weights.length);
  weights.set(a.weights);
  weights.set(b.weights, offset);
  const sum: LinearMap = {
    inShape: a.inShape,
    outShape: a.outShape,
    weights,
    segments: [
      ...a.segments,
      ...b.segments.map((segment) => ({ ...segment, weight: segment.weight + offset })),
    ],
  };
  if (entryCount(sum) > maxGatheredEntries) return sum;
  const gathered = composeGathered(identityMap(a.outShape), sum, work);
  return entryCount(gathered) < entryCount(sum) ? gathered : sum;
}
