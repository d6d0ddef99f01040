import { z } from 'zod';
import { defineOp } from '../define-op.ts';
import { addIntervals } from '../intervals.ts';
import { zipTensors } from '../tensor.ts';
import { broadcastMap, commonShape } from './broadcast.ts';
import { boundsOf, resultType, tensorOf, tensorTypeOf } from './values.ts';

export default defineOp({
  name: 'nn.add',
  code: 20,
  summary: 'Sum of two values, broadcast.',
  operands: [
    { name: 'a', doc: 'any tensor' },
    { name: 'b', doc: 'a tensor whose shape broadcasts with that of a' },
  ],
  attributes: z.strictObject({}),
  levels: 0,
  infer: ([a, b], _, context) =>
    resultType(commonShape(tensorTypeOf(a).shape, tensorTypeOf(b).shape, context), context),
  range: ([a, b]) => addIntervals(boundsOf(a), boundsOf(b)),
  evaluate: ([a, b]) => ({
    kind: 'tensor',
    tensor: zipTensors(tensorOf(a), tensorOf(b), (p, q) => p + q),
  }),
  affine([a, b], _, context) {
    const [first, second] = [tensorTypeOf(a).shape, tensorTypeOf(b).shape];
    const shape = commonShape(first, second, context);
    return { maps: [broadcastMap(first, shape, 1), broadcastMap(second, shape, 1)], bias: null };
  },
});
