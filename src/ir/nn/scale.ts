import { z } from 'zod';
import { defineOp } from '../define-op.ts';
import { zipTensors } from '../tensor.ts';
import { constantReference } from './attributes.ts';
import { commonShape, scaledBroadcastMap } from './broadcast.ts';
import { boundsOf, resultType, tensorOf, tensorTypeOf } from './values.ts';

export default defineOp({
  name: 'nn.scale',
  code: 24,
  summary: 'A value times a constant, broadcast.',
  operands: [{ name: 'x', doc: 'any tensor' }],
  attributes: z.strictObject({
    /** A tensor whose shape broadcasts with that of x. */
    factor: constantReference,
  }),
  levels: 1,
  infer: ([x], { factor }, context) =>
    resultType(
      commonShape(tensorTypeOf(x).shape, context.constant(factor).shape, context),
      context,
    ),
  range([x], { factor }, context) {
    const [lo, hi] = boundsOf(x);
    let low = Infinity;
    let high = -Infinity;
    for (const value of context.constant(factor).data) {
      low = Math.min(low, value * lo, value * hi);
      high = Math.max(high, value * lo, value * hi);
    }
    return [low, high];
  },
  evaluate: ([x], _, { factor }, context) => ({
    kind: 'tensor',
    tensor: zipTensors(tensorOf(x), context.constant(factor), (p, q) => p * q),
  }),
  affine([x], { factor }, context) {
    const constant = context.constant(factor);
    const { shape } = tensorTypeOf(x);
    const outShape = commonShape(shape, constant.shape, context);
    return { maps: [scaledBroadcastMap(shape, outShape, constant)], bias: null };
  },
});
