import { z } from 'zod';
import { defineOp } from '../define-op.ts';
import { axis } from './attributes.ts';
import { checkAxis, lineOf, logSumExp, walkAxis } from './axis-walk.ts';
import { boundsOf, tensorOf, tensorType, tensorTypeOf, tensorValue } from './values.ts';

export default defineOp({
  name: 'nn.log-softmax',
  code: 51,
  summary: 'Logarithm of the softmax along an axis; moved to the client.',
  operands: [{ name: 'x', doc: 'any tensor' }],
  attributes: z.strictObject({ axis }),
  levels: 0,
  infer([x], attributes, context) {
    const { shape } = tensorTypeOf(x);
    checkAxis(shape, attributes.axis, context);
    return tensorType(shape);
  },
  range([x], attributes) {
    const [lo, hi] = boundsOf(x);
    const count = tensorTypeOf(x).shape[attributes.axis] ?? 1;
    // The extremes have one element at one end of the range and all others at the other.
    return [-(hi - lo) - Math.log(count), -Math.log1p((count - 1) * Math.exp(lo - hi))];
  },
  evaluate([x], _, attributes) {
    const { shape, data } = tensorOf(x);
    const walk = walkAxis(shape, attributes.axis);
    const sums = logSumExp(data, walk);
    return tensorValue(
      shape,
      data.map((value, n) => value - sums[lineOf(n, walk)]!),
    );
  },
});
