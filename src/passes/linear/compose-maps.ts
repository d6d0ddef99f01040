/** Composition and sums of sparse matrices that keep their compact form where that is possible. */
import { identityMap, entriesOf, entryCount, composeMaps } from '../../ir/linear-map.ts';
import type { LinearMap } from '../../ir/linear-map.ts';
import { elementCount } from '../../layout/layout.ts';
import { composeSegments } from './compose-segments.ts';

/** The diagonal of a matrix that has no other entries (row-major order kept), else null. */
export function diagonalOf(map: LinearMap): Float64Array<ArrayBuffer> | null {
  const size = elementCount(map.inShape);
  if (size !== elementCount(map.outShape) || entryCount(map) > size) return null;
  const { out, input, weight } = entriesOf(map);
  const diagonal = new Float64Array(size);
  for (let k = 0; k < out.length; k++) {
    const o = out[k]!;
    if (o !== input[k]) return null;
    diagonal[o]! += map.weights[weight[k]!]!;
  }
  return diagonal;
}

/** Whether a matrix has at most one entry a row: reorderings, cuts, paddings, repetitions, scales. */
export function isSelection(map: LinearMap): boolean {
  const rows = elementCount(map.outShape);
  if (entryCount(map) > rows) return false;
  const seen = new Uint8Array(rows);
  for (const o of entriesOf(map).out) {
    if (seen[o] === 1) return false;
    seen[o] = 1;
  }
  return true;
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
  const entries = entriesOf(map);
  const index = entries[by];
  const factors = new Float64Array(map.weights.length);
  for (let k = 0; k < index.length; k++) {
    const w = entries.weight[k]!;
    const f = factor[index[k]!]!;
    if (f === 0 || (factors[w] !== 0 && factors[w] !== f)) return null;
    factors[w] = f;
  }
  return { ...map, weights: map.weights.map((weight, w) => Math.fround(weight * factors[w]!)) };
}

/**
 * second ∘ first; weights are rounded to float32.
 *
 * Diagonal factors (scales, batch normalisations) and reshapes keep the segments of the other one.
 */
export function composeTwo(second: LinearMap, first: LinearMap): LinearMap {
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
  return composeSegments(second, first) ?? composeMaps(second, first);
}

/** a + b as one matrix: entries of both, gathered anew only where some fall together. */
export function addMaps(a: LinearMap, b: LinearMap): LinearMap {
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
  const gathered = composeMaps(identityMap(a.outShape), sum);
  return entryCount(gathered) < entryCount(sum) ? gathered : sum;
}
