/**
 * Sparse matrices between flattened tensors, as few strided segments over one array of weights.
 *
 * A convolution is one segment per kernel position, a dense layer one segment, a transposition one:
 * the matrix itself is never written out. Segments are exact (padding is what they leave out), so an
 * evaluator expands them without knowing which operator they came from.
 */
import { CipherloomError, invariant } from '../errors.ts';
import { elementCount } from '../layout/layout.ts';
import { entryList } from './entry-list.ts';
import { gatherSegments, gatherShared, maxLoops } from './gather-segments.ts';
import { forEachRun } from './map-runs.ts';

/** One loop of a segment: `count` steps that move output, input and weight index together. */
export interface SegmentLoop {
  readonly count: number;
  readonly out: number;
  readonly input: number;
  readonly weight: number;
}

/** Entries matrix[out][input] = weights[weight], walked from a start by nested loops. */
export interface Segment {
  readonly out: number;
  readonly input: number;
  readonly weight: number;
  /** Outermost first; none means the single entry at the start. */
  readonly loops: readonly SegmentLoop[];
}

export interface LinearMap {
  readonly inShape: readonly number[];
  readonly outShape: readonly number[];
  readonly weights: Float64Array<ArrayBuffer>;
  /** Entries of the same (out, input) add up. */
  readonly segments: readonly Segment[];
}

/** Bounds what a segment list of a hostile plan may expand to: walking 2^32 entries takes some seconds. */
export const maxEntries = 2 ** 32;

function segmentEntries(segment: Segment): number {
  return segment.loops.reduce((product, loop) => product * loop.count, 1);
}

/** Number of entries of a map. */
export function entryCount(map: LinearMap): number {
  return map.segments.reduce((sum, segment) => sum + segmentEntries(segment), 0);
}

/** y = matrix · x. Cost: about 10^9 entries a second where runs are long. */
export function applyMap(map: LinearMap, x: ArrayLike<number>): Float64Array<ArrayBuffer> {
  const y = new Float64Array(elementCount(map.outShape));
  const { weights } = map;
  forEachRun(map.segments, 'longest', (out, input, weight, run) => {
    const { count } = run;
    let [i, w] = [input, weight];
    if (run.out === 0) {
      let sum = y[out]!;
      for (let n = 0; n < count; n++, i += run.input, w += run.weight) sum += weights[w]! * x[i]!;
      y[out] = sum;
    } else if (run.weight === 0) {
      addMultiple(y, out, run.out, weights[w]!, x, i, run.input, count);
    } else {
      let o = out;
      for (let n = 0; n < count; n++, o += run.out, i += run.input, w += run.weight) {
        y[o]! += weights[w]! * x[i]!;
      }
    }
  });
  return y;
}

/** A function of its own, so that it is optimised as a whole. */
function addMultiple(
  y: Float64Array,
  yStart: number,
  yStep: number,
  factor: number,
  x: ArrayLike<number>,
  xStart: number,
  xStep: number,
  count: number,
): void {
  let [o, i] = [yStart, xStart];
  for (let n = 0; n < count; n++, o += yStep, i += xStep) y[o]! += factor * x[i]!;
}

/** Interval bounds of matrix · x, per output element, for x in [lo, hi] elementwise. */
export function boundMap(
  map: LinearMap,
  lo: number,
  hi: number,
): { readonly lo: Float64Array<ArrayBuffer>; readonly hi: Float64Array<ArrayBuffer> } {
  const size = elementCount(map.outShape);
  const low = new Float64Array(size);
  const high = new Float64Array(size);
  const { weights } = map;
  // Duplicate (out, input) entries are bounded separately: never too small.
  forEachRun(map.segments, 'longest', (out, _, weight, run) => {
    let o = out;
    for (let n = 0; n < run.count; n++, o += run.out) {
      const w = weights[weight + n * run.weight]!;
      low[o]! += w >= 0 ? w * lo : w * hi;
      high[o]! += w >= 0 ? w * hi : w * lo;
    }
  });
  return { lo: low, hi: high };
}

/** Whether two lists hold the same map objects: what was derived from one then holds for the other. */
export function sameMaps(a: readonly LinearMap[], b: readonly LinearMap[]): boolean {
  return a.length === b.length && a.every((map, k) => map === b[k]);
}

/** The identity, or any reordering that keeps the flat order (Reshape, Flatten). */
export function identityMap(
  inShape: readonly number[],
  outShape: readonly number[] = inShape,
): LinearMap {
  const count = elementCount(inShape);
  invariant(count === elementCount(outShape), 'an identity map keeps the number of elements');
  return {
    inShape,
    outShape,
    weights: Float64Array.of(1),
    segments: [{ out: 0, input: 0, weight: 0, loops: [{ count, out: 1, input: 1, weight: 0 }] }],
  };
}

/** Whether a map is the identity on the flat order. */
export function isIdentityMap(map: LinearMap): boolean {
  const count = elementCount(map.inShape);
  if (count !== elementCount(map.outShape) || entryCount(map) !== count) return false;
  let same = true;
  const met = new Uint8Array(count);
  forEachRun(map.segments, 'longest', (out, input, weight, run) => {
    for (let n = 0; same && n < run.count; n++) {
      const o = out + n * run.out;
      same = o === input + n * run.input && map.weights[weight + n * run.weight] === 1;
      same &&= met[o] === 0;
      met[o] = 1;
    }
  });
  return same;
}

/**
 * second ∘ first, as one map.
 *
 * Cost: Σ over the entries (o, m) of `second` of the entries of row m of `first`.
 */
export function composeMaps(second: LinearMap, first: LinearMap): LinearMap {
  invariant(
    elementCount(second.inShape) === elementCount(first.outShape),
    'composed maps must share their middle size',
  );
  const rows = rowsOf(first);
  const secondRows = rowsOf(second);
  const width = elementCount(first.inShape);
  const sum = new Float64Array(width);
  const touched = new Uint8Array(width);
  const row = new Int32Array(width);
  const entries = entryList();
  const height = elementCount(second.outShape);
  for (let o = 0; o < height; o++) {
    let length = 0;
    for (let a = secondRows.start[o] ?? 0; a < (secondRows.start[o + 1] ?? 0); a++) {
      const middle = secondRows.input[a] ?? 0;
      const factor = secondRows.value[a] ?? 0;
      for (let b = rows.start[middle] ?? 0; b < (rows.start[middle + 1] ?? 0); b++) {
        const i = rows.input[b] ?? 0;
        if (touched[i] === 0) {
          touched[i] = 1;
          row[length++] = i;
        }
        sum[i] = (sum[i] ?? 0) + factor * (rows.value[b] ?? 0);
      }
    }
    for (const i of row.subarray(0, length).sort()) {
      entries.push(o, i, sum[i]!);
      sum[i] = 0;
      touched[i] = 0;
    }
  }
  const { out, input, value } = entries.finish();
  return mapFromEntries(first.inShape, second.outShape, out, input, value);
}

/** Number of products a composition computes: what `composeMaps` costs, and bounds its entries. */
export function compositionCost(second: LinearMap, first: LinearMap): number {
  const lengths = rowLengths(first);
  let cost = 0;
  forEachRun(second.segments, 'longest', (_, input, __, run) => {
    if (run.input === 0) cost += run.count * lengths[input]!;
    else for (let n = 0; n < run.count; n++) cost += lengths[input + n * run.input]!;
  });
  return cost;
}

/** Number of entries of each output. */
export function rowLengths(map: LinearMap): Int32Array<ArrayBuffer> {
  const lengths = new Int32Array(elementCount(map.outShape));
  forEachRun(map.segments, 'longest', (out, _, __, run) => {
    if (run.out === 0) lengths[out]! += run.count;
    else for (let n = 0; n < run.count; n++) lengths[out + n * run.out]! += 1;
  });
  return lengths;
}

/** Entries grouped by output (compressed rows), with their values. */
function rowsOf(map: LinearMap): {
  readonly start: Int32Array<ArrayBuffer>;
  readonly input: Int32Array<ArrayBuffer>;
  readonly value: Float64Array<ArrayBuffer>;
} {
  const lengths = rowLengths(map);
  const start = new Int32Array(lengths.length + 1);
  for (let o = 0; o < lengths.length; o++) start[o + 1] = start[o]! + lengths[o]!;
  const next = start.slice();
  const total = start[lengths.length]!;
  const input = new Int32Array(total);
  const value = new Float64Array(total);
  forEachRun(map.segments, 'longest', (out, i, weight, run) => {
    for (let n = 0; n < run.count; n++) {
      const at = next[out + n * run.out]!++;
      input[at] = i + n * run.input;
      value[at] = map.weights[weight + n * run.weight]!;
    }
  });
  return { start, input, value };
}

/**
 * Build a map from entries and their values: zeros are dropped, equal values share one weight where
 * few differ, and runs are gathered into segments.
 *
 * Weights are rounded to float32, the precision trained weights come in.
 */
export function mapFromEntries(
  inShape: readonly number[],
  outShape: readonly number[],
  out: ArrayLike<number>,
  input: ArrayLike<number>,
  values: ArrayLike<number>,
): LinearMap {
  const index = new Map<number, number>();
  let kept = 0;
  const o = new Int32Array(values.length);
  const i = new Int32Array(values.length);
  const v = new Float32Array(values.length);
  for (let k = 0; k < values.length; k++) {
    const value = Math.fround(values[k] ?? 0);
    if (value === 0) continue;
    o[kept] = out[k] ?? 0;
    i[kept] = input[k] ?? 0;
    v[kept] = value;
    kept++;
    if (index.size <= kept / 2 || index.size < 4096) {
      if (!index.has(value)) index.set(value, index.size);
    }
  }
  const w = new Int32Array(kept);
  let weights: Float64Array<ArrayBuffer>;
  let shared = index.size <= kept / 2;
  for (let k = 0; shared && k < kept; k++) {
    const at = index.get(v[k] ?? 0);
    if (at === undefined) shared = false;
    else w[k] = at;
  }
  if (shared) {
    weights = Float64Array.from(index.keys());
  } else {
    weights = Float64Array.from(v.subarray(0, kept));
    for (let k = 0; k < kept; k++) w[k] = k;
  }
  const gather = shared ? gatherShared : gatherSegments;
  const segments = gather(o.subarray(0, kept), i.subarray(0, kept), w);
  return { inShape, outShape, weights, segments };
}

/** Segments as one array of integers: rank, start, then the loops; for constants and plans. */
export function encodeSegments(segments: readonly Segment[]): Float64Array<ArrayBuffer> {
  return Float64Array.from(
    segments.flatMap((segment) => [
      segment.loops.length,
      segment.out,
      segment.input,
      segment.weight,
      ...segment.loops.flatMap((loop) => [loop.count, loop.out, loop.input, loop.weight]),
    ]),
  );
}

/**
 * Read segments back and check them: every entry they expand to lies inside the matrix and the
 * weights, before anything is allocated for them.
 *
 * Throws PLAN_INVALID.
 */
export function decodeSegments(
  code: ArrayLike<number>,
  inSize: number,
  outSize: number,
  weightCount: number,
): Segment[] {
  const fail = (reason: string, at: number): never => {
    throw new CipherloomError('PLAN_INVALID', `linear map: ${reason} at position ${at}`, {
      phase: 'plan',
    });
  };
  const segments: Segment[] = [];
  let total = 0;
  let at = 0;
  const next = (): number => {
    const value = code[at];
    if (value === undefined) return fail('the segment list ends early', at);
    if (!Number.isSafeInteger(value) || Math.abs(value) > 2 ** 31) return fail('not an index', at);
    at++;
    return value;
  };
  while (at < code.length) {
    const start = at;
    const rank = next();
    if (rank < 0 || rank > maxLoops) fail('too many loops', start);
    const [out, input, weight] = [next(), next(), next()];
    const loops: SegmentLoop[] = [];
    const low = { out, input, weight };
    const high = { out, input, weight };
    let entries = 1;
    for (let k = 0; k < rank; k++) {
      const loop = { count: next(), out: next(), input: next(), weight: next() };
      if (loop.count < 1) fail('an empty loop', start);
      entries *= loop.count;
      if (entries > maxEntries) fail('too many entries', start);
      for (const field of ['out', 'input', 'weight'] as const) {
        const reach = (loop.count - 1) * loop[field];
        if (reach < 0) low[field] += reach;
        else high[field] += reach;
      }
      loops.push(loop);
    }
    total += entries;
    if (total > maxEntries) fail('too many entries', start);
    const limits = { out: outSize, input: inSize, weight: weightCount };
    for (const field of ['out', 'input', 'weight'] as const) {
      if (low[field] < 0 || high[field] >= limits[field]) {
        fail(`an entry leaves the ${field} range of ${limits[field]}`, start);
      }
    }
    segments.push({ out, input, weight, loops });
  }
  return segments;
}
