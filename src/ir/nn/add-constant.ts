import { z } from 'zod';
import { defineOp } from '../define-op.ts';
import { broadcastTo, zipTensors } from '../tensor.ts';
import { constantReference } from './attributes.ts';
import { broadcastMap, commonShape } from './broadcast.ts';
import { boundsOf, resultType, tensorOf, tensorTypeOf } from './values.ts';

export default defineOp({
  name: 'nn.add-constant',
  code: 23,
  summary: 'A value plus a constant, broadcast.',
  operands: [{ name: 'x', doc: 'any tensor' }],
  attributes: z.strictObject({
    /** A tensor whose shape broadcasts with that of x. */
    value: constantReference,
  }),
  levels: 0,
  infer: ([x], { value }, context) =>
    resultType(commonShape(tensorTypeOf(x).shape, context.constant(value).shape, context), context),
  range([x], { value }, context) {
    const [lo, hi] = boundsOf(x);
    const { data } = context.constant(value);
    const least = data.reduce((a, b) => Math.min(a, b), Infinity);
    const most = data.reduce((a, b) => Math.max(a, b), -Infinity);
    return [lo + least, hi + most];
  },
  evaluate: ([x], _, { value }, context) => ({
    kind: 'tensor',
    tensor: zipTensors(tensorOf(x), context.constant(value), (p, q) => p + q),
  }),
  affine([x], { value }, context) {
    const constant = context.constant(value);
    const { shape } = tensorTypeOf(x);
    const outShape = commonShape(shape, constant.shape, context);
    return { maps: [broadcastMap(shape, outShape, 1)], bias: broadcastTo(constant, outShape).data };
  },
});
