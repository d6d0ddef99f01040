import { z } from 'zod';
import { defineOp } from '../define-op.ts';
import { axis } from './attributes.ts';
import { checkAxis, walkAxis } from './axis-walk.ts';
import { resultType, tensorOf, tensorTypeOf, tensorValue } from './values.ts';

function resultShape(shape: readonly number[], at: number, keepDims: boolean): number[] {
  return keepDims ? shape.with(at, 1) : shape.filter((_, k) => k !== at);
}

export default defineOp({
  name: 'nn.arg-max',
  code: 52,
  summary: 'Index of the largest element along an axis, the first of equals; moved to the client.',
  operands: [{ name: 'x', doc: 'any tensor' }],
  attributes: z.strictObject({
    axis,
    /** Whether the axis stays with extent 1. */
    keepDims: z.boolean(),
  }),
  levels: 0,
  infer([x], attributes, context) {
    const { shape } = tensorTypeOf(x);
    checkAxis(shape, attributes.axis, context);
    return resultType(resultShape(shape, attributes.axis, attributes.keepDims), context);
  },
  range: ([x], attributes) => [0, (tensorTypeOf(x).shape[attributes.axis] ?? 1) - 1],
  evaluate([x], _, attributes) {
    const { shape, data } = tensorOf(x);
    const { outer, count, inner } = walkAxis(shape, attributes.axis);
    const y = new Float64Array(outer * inner);
    for (let line = 0; line < y.length; line++) {
      const start = Math.floor(line / inner) * count * inner + (line % inner);
      let best = 0;
      for (let k = 1; k < count; k++) {
        if (data[start + k * inner]! > data[start + best * inner]!) best = k;
      }
      y[line] = best;
    }
    return tensorValue(resultShape(shape, attributes.axis, attributes.keepDims), y);
  },
});
