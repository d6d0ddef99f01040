/** Finds the window that a linear map slides over an image, whatever operators it came from. */
import { forEachRun } from '../../ir/map-runs.ts';
import type { LinearMap, Segment, SegmentLoop } from '../../ir/linear-map.ts';
import { rowMajorStrides } from '../../layout/layout.ts';

/** Axes of a tensor in the order [batch, channels, spatial…]. */
export type AxisOrder = readonly number[];

/** A window that a linear map slides over the spatial axes of its input. */
export interface Window {
  /** Per spatial axis. */
  readonly stride: readonly number[];
  readonly first: readonly number[];
  readonly extent: readonly number[];
  readonly inOrder: AxisOrder;
  readonly outOrder: AxisOrder;
}

export function channelsSecond(rank: number): AxisOrder {
  return Array.from({ length: rank }, (_, axis) => axis);
}

function channelsLast(rank: number): AxisOrder {
  return [0, rank - 1, ...channelsSecond(rank).slice(1, -1)];
}

/**
 * Find the sliding window of a map between shapes [1, C, …] -> [1, O, …] of equal rank: per spatial
 * axis the stride that makes `input − stride × output` take the fewest values. Images at either
 * end of a network may have their channels last.
 *
 * Works on any map, so pooling fused into a convolution is seen as one window. Null where the map is
 * no window smaller than its input. Cost: a few steps a segment; a few an entry where steps of a
 * segment run over the end of an axis.
 */
export function windowOf(map: LinearMap): Window | null {
  const known = windows.get(map);
  if (known !== undefined) return known;
  const window = findWindow(map);
  windows.set(map, window);
  return window;
}

const windows = new WeakMap<LinearMap, Window | null>();

function findWindow(map: LinearMap): Window | null {
  const rank = map.inShape.length;
  if (rank < 3 || map.outShape.length !== rank) return null;
  const orders = rank > 3 ? [channelsSecond(rank), channelsLast(rank)] : [channelsSecond(rank)];
  for (const before of orders) {
    for (const behind of orders) {
      const window = windowInOrder(map, before, behind);
      if (window !== null) return window;
    }
  }
  return null;
}

function windowInOrder(map: LinearMap, before: AxisOrder, behind: AxisOrder): Window | null {
  const offsets = before.slice(2).map((inAxis, k) => {
    const outAxis = behind[k + 2] ?? 0;
    const guess = Math.max(
      1,
      Math.round((map.inShape[inAxis] ?? 1) / (map.outShape[outAxis] ?? 1)),
    );
    const strides = [...new Set([guess, Math.max(1, guess - 1), guess + 1])];
    return strides.map((stride) => ({ inAxis, outAxis, stride, low: Infinity, high: -Infinity }));
  });
  boundOffsets(map, offsets.flat());
  const best = offsets.map((tried) =>
    tried.reduce((a, b) => (b.high - b.low < a.high - a.low ? b : a)),
  );
  const extent = best.map(({ low, high }) => high - low + 1);
  if (best.some(({ inAxis }, k) => extent[k]! >= (map.inShape[inAxis] ?? 1))) return null;
  return {
    stride: best.map(({ stride }) => stride),
    first: best.map(({ low }) => low),
    extent,
    inOrder: before,
    outOrder: behind,
  };
}

/** The least and the largest `input − stride × output` along a pair of axes. */
interface Offsets {
  readonly inAxis: number;
  readonly outAxis: number;
  readonly stride: number;
  low: number;
  high: number;
}

/** A tensor whose elements are counted by one digit an axis. */
interface Axes {
  readonly shape: readonly number[];
  readonly strides: readonly number[];
}

function boundOffsets(map: LinearMap, offsets: readonly Offsets[]): void {
  const from: Axes = { shape: map.inShape, strides: rowMajorStrides(map.inShape) };
  const to: Axes = { shape: map.outShape, strides: rowMajorStrides(map.outShape) };
  const include = (each: Offsets, low: number, high: number): void => {
    if (low < each.low) each.low = low;
    if (high > each.high) each.high = high;
  };
  const includeEntry = (out: number, input: number): void => {
    for (const each of offsets) {
      const i = digitOf(input, from, each.inAxis);
      const offset = i - each.stride * digitOf(out, to, each.outAxis);
      include(each, offset, offset);
    }
  };
  for (const segment of map.segments) {
    const { out, input, loops } = segment;
    if (loops.length === 0) {
      includeEntry(out, input);
      continue;
    }
    const split = loops.flatMap((loop) => splitAtAxes(loop, to));
    if (!staysInAxes(split, input, 'input', from) || !staysInAxes(split, out, 'out', to)) {
      forEachRun([segment], 'longest', (o, i, _, run) => {
        for (let n = 0; n < run.count; n++) includeEntry(o + n * run.out, i + n * run.input);
      });
      continue;
    }
    // Then every index along an axis is a sum of steps of the loops.
    for (const each of offsets) {
      let low = digitOf(input, from, each.inAxis) - each.stride * digitOf(out, to, each.outAxis);
      let high = low;
      for (const loop of split) {
        const step =
          digitOf(loop.input, from, each.inAxis) -
          each.stride * digitOf(loop.out, to, each.outAxis);
        if (step < 0) low += (loop.count - 1) * step;
        else high += (loop.count - 1) * step;
      }
      include(each, low, high);
    }
  }
}

/** The index along an axis of an element, or of a step. */
function digitOf(flat: number, { shape, strides }: Axes, axis: number): number {
  return Math.floor(flat / (strides[axis] ?? 1)) % (shape[axis] ?? 1);
}

/** A loop along an axis and on along the next outer one, as a loop an axis. */
function splitAtAxes(loop: SegmentLoop, { shape, strides }: Axes): SegmentLoop[] {
  const { count, out, input, weight } = loop;
  const axis = strides.findIndex((stride, a) => stride === out && (shape[a] ?? 1) > 1);
  const extent = shape[axis] ?? 1;
  if (extent === 1 || count <= extent || count % extent !== 0) return [loop];
  const outer = {
    count: count / extent,
    out: out * extent,
    input: input * extent,
    weight: weight * extent,
  };
  return [...splitAtAxes(outer, { shape, strides }), { count: extent, out, input, weight }];
}

/** Whether no index runs over the end of its axis: then steps add up axis by axis. */
function staysInAxes(
  loops: Segment['loops'],
  start: number,
  of: 'out' | 'input',
  axes: Axes,
): boolean {
  if (loops.some((loop) => loop[of] < 0)) return false;
  return axes.shape.every((extent, axis) => {
    const last = loops.reduce(
      (index, loop) => index + (loop.count - 1) * digitOf(loop[of], axes, axis),
      digitOf(start, axes, axis),
    );
    return last < extent;
  });
}
