/** Copies and segments that walk tensors with strides: reorderings, cuts and paddings. */
import type { Segment, SegmentLoop } from '../linear-map.ts';

/** Copy `extents` elements between two buffers, each walked with its own strides. */
export function copyStrided(
  extents: readonly number[],
  source: Float64Array,
  sourceStart: number,
  sourceStrides: readonly number[],
  target: Float64Array,
  targetStart: number,
  targetStrides: readonly number[],
): void {
  const rank = extents.length;
  const total = extents.reduce((product, extent) => product * extent, 1);
  const index = new Array<number>(rank).fill(0);
  let from = sourceStart;
  let to = targetStart;
  for (let n = 0; n < total; n++) {
    target[to] = source[from]!;
    for (let axis = rank - 1; axis >= 0; axis--) {
      if (++index[axis]! < extents[axis]!) {
        from += sourceStrides[axis]!;
        to += targetStrides[axis]!;
        break;
      }
      from -= sourceStrides[axis]! * (extents[axis]! - 1);
      to -= targetStrides[axis]! * (extents[axis]! - 1);
      index[axis] = 0;
    }
  }
}

/** Nested loops over extents, without those of one step and with neighbours that continue merged. */
export function stridedLoops(
  extents: readonly number[],
  out: readonly number[],
  input: readonly number[],
  weight: readonly number[] = [],
): SegmentLoop[] {
  const loops: SegmentLoop[] = [];
  extents.forEach((count, axis) => {
    if (count === 1) return;
    const loop = { count, out: out[axis]!, input: input[axis]!, weight: weight[axis] ?? 0 };
    const outer = loops.at(-1);
    const continues =
      outer?.out === count * loop.out &&
      outer.input === count * loop.input &&
      outer.weight === count * loop.weight;
    if (continues) loops[loops.length - 1] = { ...loop, count: outer.count * count };
    else loops.push(loop);
  });
  return loops;
}

/** A segment of entries that all have the weight at `weight`. */
export function copySegment(
  extents: readonly number[],
  outStart: number,
  outStrides: readonly number[],
  inputStart: number,
  inputStrides: readonly number[],
): Segment {
  return {
    out: outStart,
    input: inputStart,
    weight: 0,
    loops: stridedLoops(extents, outStrides, inputStrides),
  };
}
