import { z } from 'zod';
import { elementCount } from '../../layout/layout.ts';
import { defineOp } from '../define-op.ts';
import { identityMap } from '../linear-map.ts';
import { extents } from './attributes.ts';
import { boundsOf, resultType, shapeError, tensorOf, tensorTypeOf, tensorValue } from './values.ts';

export default defineOp({
  name: 'nn.reshape',
  code: 3,
  summary: 'The same elements in the same order under another shape.',
  operands: [{ name: 'x', doc: 'any tensor' }],
  attributes: z.strictObject({ shape: extents }),
  levels: 0,
  infer([x], { shape }, context) {
    const from = tensorTypeOf(x).shape;
    if (elementCount(from) !== elementCount(shape)) {
      shapeError(context, `cannot reshape [${from.join(',')}] to [${shape.join(',')}]`, {
        from: elementCount(from),
        to: elementCount(shape),
      });
    }
    return resultType(shape, context);
  },
  range: ([x]) => boundsOf(x),
  evaluate: ([x], _, { shape }) => tensorValue(shape, tensorOf(x).data),
  affine: ([x], { shape }) => ({ maps: [identityMap(tensorTypeOf(x).shape, shape)], bias: null }),
});
