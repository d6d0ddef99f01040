import { z } from 'zod';
import { defineOp } from '../define-op.ts';
import { broadcastMap } from './broadcast.ts';
import { boundsOf, tensorOf, tensorType, tensorTypeOf, tensorValue } from './values.ts';

export default defineOp({
  name: 'nn.negate',
  code: 25,
  summary: 'A value with the other sign.',
  operands: [{ name: 'x', doc: 'any tensor' }],
  attributes: z.strictObject({}),
  levels: 0,
  infer: ([x]) => tensorType(tensorTypeOf(x).shape),
  range([x]) {
    const [lo, hi] = boundsOf(x);
    return [-hi, -lo];
  },
  evaluate([x]) {
    const { shape, data } = tensorOf(x);
    return tensorValue(
      shape,
      data.map((value) => -value),
    );
  },
  affine([x]) {
    const { shape } = tensorTypeOf(x);
    return { maps: [broadcastMap(shape, shape, -1)], bias: null };
  },
});
