/** Walking one axis of a tensor: final operations that the client does after decryption. */
import { elementCount } from '../../layout/layout.ts';
import type { OpContext } from '../define-op.ts';
import { shapeError } from './values.ts';

export interface AxisWalk {
  /** Lines along the axis: outer × inner of them, each of `count` elements `inner` apart. */
  readonly outer: number;
  readonly count: number;
  readonly inner: number;
}

export function walkAxis(shape: readonly number[], axis: number): AxisWalk {
  return {
    outer: elementCount(shape.slice(0, axis)),
    count: shape[axis] ?? 1,
    inner: elementCount(shape.slice(axis + 1)),
  };
}

/** Throws SHAPE_MISMATCH. */
export function checkAxis(shape: readonly number[], axis: number, context: OpContext): void {
  if (axis >= shape.length) {
    shapeError(context, `[${shape.join(',')}] has no axis ${axis}`, { axis, shape });
  }
}

/** log Σ exp of each line, with the maximum taken out so that nothing overflows. */
export function logSumExp(data: Float64Array, { outer, count, inner }: AxisWalk): Float64Array {
  const sums = new Float64Array(outer * inner);
  for (let line = 0; line < sums.length; line++) {
    const start = Math.floor(line / inner) * count * inner + (line % inner);
    let most = -Infinity;
    for (let k = 0; k < count; k++) most = Math.max(most, data[start + k * inner]!);
    let sum = 0;
    for (let k = 0; k < count; k++) sum += Math.exp(data[start + k * inner]! - most);
    sums[line] = most + Math.log(sum);
  }
  return sums;
}

/** The line that each element of a tensor lies on. */
export function lineOf(element: number, { count, inner }: AxisWalk): number {
  return Math.floor(element / (count * inner)) * inner + (element % inner);
}
