/** Dense tensors in row-major order: constants of programs and values of the clear interpreter. */
import { invariant } from '../errors.ts';
import { elementCount } from '../layout/layout.ts';

export interface Tensor {
  readonly shape: readonly number[];
  readonly data: Float64Array<ArrayBuffer>;
}

/** A tensor of the given elements. */
export function tensor(shape: readonly number[], data: Iterable<number>): Tensor {
  const values =
    data instanceof Float64Array ? (data as Float64Array<ArrayBuffer>) : Float64Array.from(data);
  invariant(
    values.length === elementCount(shape),
    `tensor [${shape.join(',')}] of ${values.length} elements`,
  );
  return { shape: [...shape], data: values };
}

export function scalar(value: number): Tensor {
  return { shape: [], data: Float64Array.of(value) };
}

/**
 * Strides that walk a tensor as if broadcast to `shape` (0 along repeated axes).
 *
 * Numpy rules: axes align at the right. Returns null where the shapes do not fit.
 */
export function broadcastStrides(
  from: readonly number[],
  shape: readonly number[],
): number[] | null {
  const strides = new Array<number>(shape.length).fill(0);
  if (from.length > shape.length) return null;
  let stride = 1;
  for (let k = 1; k <= from.length; k++) {
    const extent = from[from.length - k] ?? 1;
    const target = shape[shape.length - k] ?? 1;
    if (extent !== target && extent !== 1) return null;
    strides[shape.length - k] = extent === 1 ? 0 : stride;
    stride *= extent;
  }
  return strides;
}

/** Shape of two tensors broadcast together, or null where they do not fit. */
export function broadcastShapes(a: readonly number[], b: readonly number[]): number[] | null {
  const rank = Math.max(a.length, b.length);
  const shape: number[] = [];
  for (let k = 0; k < rank; k++) {
    const x = a[a.length - rank + k] ?? 1;
    const y = b[b.length - rank + k] ?? 1;
    if (x !== y && x !== 1 && y !== 1) return null;
    shape.push(x === 1 ? y : x);
  }
  return shape;
}

/** The tensor repeated along axes to `shape`. */
export function broadcastTo(value: Tensor, shape: readonly number[]): Tensor {
  const strides = broadcastStrides(value.shape, shape);
  invariant(
    strides !== null,
    `cannot broadcast [${value.shape.join(',')}] to [${shape.join(',')}]`,
  );
  const count = elementCount(shape);
  const data = new Float64Array(count);
  const [only] = value.data;
  if (only !== undefined && value.data.length === 1)
    return { shape: [...shape], data: data.fill(only) };
  const index = new Array<number>(shape.length).fill(0);
  let at = 0;
  for (let n = 0; n < count; n++) {
    data[n] = value.data[at] ?? 0;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const next = (index[axis] ?? 0) + 1;
      const step = strides[axis] ?? 0;
      if (next < (shape[axis] ?? 1)) {
        index[axis] = next;
        at += step;
        break;
      }
      index[axis] = 0;
      at -= step * (next - 1);
    }
  }
  return { shape: [...shape], data };
}

/** Elementwise function of two broadcast tensors. */
export function zipTensors(
  a: Tensor,
  b: Tensor,
  combine: (x: number, y: number) => number,
): Tensor {
  const shape = broadcastShapes(a.shape, b.shape);
  invariant(
    shape !== null,
    `shapes [${a.shape.join(',')}] and [${b.shape.join(',')}] do not broadcast`,
  );
  const x = broadcastTo(a, shape).data;
  const y = broadcastTo(b, shape).data;
  return { shape, data: x.map((value, n) => combine(value, y[n] ?? 0)) };
}

/** Least and largest element. */
export function tensorBounds({ data }: Tensor): readonly [number, number] {
  let lo = Infinity;
  let hi = -Infinity;
  for (const value of data) {
    if (value < lo) lo = value;
    if (value > hi) hi = value;
  }
  return [lo, hi];
}
