import { z } from 'zod';
import { defineOp } from '../define-op.ts';
import { multiplyIntervals } from '../intervals.ts';
import { zipTensors } from '../tensor.ts';
import { commonShape } from './broadcast.ts';
import { boundsOf, resultType, tensorOf, tensorTypeOf } from './values.ts';

export default defineOp({
  name: 'nn.mul',
  code: 22,
  summary: 'Product of two values, broadcast; a square is nn.polynomial, which knows its sign.',
  operands: [
    { name: 'a', doc: 'any tensor' },
    { name: 'b', doc: 'a tensor whose shape broadcasts with that of a' },
  ],
  attributes: z.strictObject({}),
  levels: 1,
  infer: ([a, b], _, context) =>
    resultType(commonShape(tensorTypeOf(a).shape, tensorTypeOf(b).shape, context), context),
  range: ([a, b]) => multiplyIntervals(boundsOf(a), boundsOf(b)),
  evaluate: ([a, b]) => ({
    kind: 'tensor',
    tensor: zipTensors(tensorOf(a), tensorOf(b), (p, q) => p * q),
  }),
});
