/** Elementwise operators over broadcast operands. */
import { rowMajorStrides } from '../../layout/layout.ts';
import type { OpContext } from '../define-op.ts';
import type { LinearMap } from '../linear-map.ts';
import { broadcastShapes, broadcastStrides } from '../tensor.ts';
import { stridedLoops } from './strided.ts';
import { shapeError } from './values.ts';

/** Shape of two operands together. Throws SHAPE_MISMATCH. */
export function commonShape(
  a: readonly number[],
  b: readonly number[],
  context: OpContext,
): number[] {
  return (
    broadcastShapes(a, b) ??
    shapeError(context, `the shapes [${a.join(',')}] and [${b.join(',')}] do not broadcast`, {
      a,
      b,
    })
  );
}

/** The matrix that repeats a tensor to a shape, every entry `factor`. */
export function broadcastMap(
  from: readonly number[],
  to: readonly number[],
  factor: number,
): LinearMap {
  const strides = broadcastStrides(from, to) ?? [];
  return {
    inShape: from,
    outShape: to,
    weights: Float64Array.of(factor),
    segments: [
      { out: 0, input: 0, weight: 0, loops: stridedLoops(to, rowMajorStrides(to), strides) },
    ],
  };
}

/** The matrix that repeats a tensor to a shape and multiplies by one factor per element of it. */
export function scaledBroadcastMap(
  from: readonly number[],
  to: readonly number[],
  factors: { readonly shape: readonly number[]; readonly data: Float64Array<ArrayBuffer> },
): LinearMap {
  const strides = broadcastStrides(from, to) ?? [];
  const weightStrides = broadcastStrides(factors.shape, to) ?? [];
  return {
    inShape: from,
    outShape: to,
    weights: factors.data,
    segments: [
      {
        out: 0,
        input: 0,
        weight: 0,
        loops: stridedLoops(to, rowMajorStrides(to), strides, weightStrides),
      },
    ],
  };
}
