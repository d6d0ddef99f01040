import { z } from 'zod';
import { defineOp } from '../define-op.ts';
import { axis } from './attributes.ts';
import { checkAxis, lineOf, logSumExp, walkAxis } from './axis-walk.ts';
import { tensorOf, tensorType, tensorTypeOf, tensorValue } from './values.ts';

export default defineOp({
  name: 'nn.softmax',
  code: 50,
  summary: 'Exponentials along an axis, divided by their sum; moved to the client.',
  operands: [{ name: 'x', doc: 'any tensor' }],
  attributes: z.strictObject({ axis }),
  levels: 0,
  infer([x], attributes, context) {
    const { shape } = tensorTypeOf(x);
    checkAxis(shape, attributes.axis, context);
    return tensorType(shape);
  },
  range: () => [0, 1],
  evaluate([x], _, attributes) {
    const { shape, data } = tensorOf(x);
    const walk = walkAxis(shape, attributes.axis);
    const sums = logSumExp(data, walk);
    return tensorValue(
      shape,
      data.map((value, n) => Math.exp(value - sums[lineOf(n, walk)]!)),
    );
  },
});
