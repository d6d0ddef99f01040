/** Operators that pick elements of each line along an axis; the client does them after decryption. */
import { z } from 'zod';
import { topOf } from '../../layout/postprocess.ts';
import { defineOp } from '../define-op.ts';
import type { OpDefinition, Value } from '../define-op.ts';
import { axis } from './attributes.ts';
import { checkAxis, walkAxis } from './axis-walk.ts';
import { resultType, tensorOf, tensorTypeOf, tensorValue } from './values.ts';

/** Every line of a tensor along an axis mapped to one of `count` elements. */
export function mapLines(
  value: Value | undefined,
  at: number,
  count: number,
  map: (line: Float64Array) => Float64Array,
): Value {
  const { shape, data } = tensorOf(value);
  const { outer, count: extent, inner } = walkAxis(shape, at);
  const result = new Float64Array(outer * count * inner);
  const line = new Float64Array(extent);
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < inner; i++) {
      for (let k = 0; k < extent; k++) line[k] = data[(o * extent + k) * inner + i]!;
      map(line).forEach((x, k) => (result[(o * count + k) * inner + i] = x));
    }
  }
  return tensorValue(shape.with(at, count), result);
}

const attributes = z.strictObject({
  axis,
  /** Whether the axis stays with extent 1. */
  keepDims: z.boolean(),
});

function reduced(shape: readonly number[], at: number, keepDims: boolean): readonly number[] {
  return keepDims ? shape.with(at, 1) : shape.filter((_, k) => k !== at);
}

/** The index of the largest or smallest element along an axis. */
export function argOperator(
  name: string,
  code: number,
  summary: string,
  smallest: boolean,
): OpDefinition<z.infer<typeof attributes>> {
  return defineOp({
    name,
    code,
    summary,
    operands: [{ name: 'x', doc: 'any tensor' }],
    attributes,
    levels: 0,
    infer([x], own, context) {
      const { shape } = tensorTypeOf(x);
      checkAxis(shape, own.axis, context);
      return resultType(reduced(shape, own.axis, own.keepDims), context);
    },
    range: ([x], own) => [0, (tensorTypeOf(x).shape[own.axis] ?? 1) - 1],
    evaluate([x], _, own) {
      const indices = mapLines(x, own.axis, 1, (line) => topOf(line, 1, smallest));
      const { shape, data } = tensorOf(indices);
      return tensorValue(reduced(shape, own.axis, own.keepDims), data);
    },
  });
}
