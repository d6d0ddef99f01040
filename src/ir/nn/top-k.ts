import { z } from 'zod';
import { topOf } from '../../layout/postprocess.ts';
import { defineOp } from '../define-op.ts';
import { axis } from './attributes.ts';
import { checkAxis } from './axis-walk.ts';
import { mapLines } from './line-selection.ts';
import { boundsOf, shapeError, tensorType, tensorTypeOf } from './values.ts';

export default defineOp({
  name: 'nn.top-k',
  code: 55,
  summary:
    'The largest or smallest elements along an axis in order, or where they stand; moved to the client.',
  operands: [{ name: 'x', doc: 'any tensor' }],
  attributes: z.strictObject({
    axis,
    /** Elements that stay. */
    count: z.int().positive(),
    smallest: z.boolean(),
    result: z.enum(['values', 'indices']),
  }),
  levels: 0,
  infer([x], { axis: at, count }, context) {
    const { shape } = tensorTypeOf(x);
    checkAxis(shape, at, context);
    if (count > shape[at]!) {
      shapeError(context, `axis ${at} of [${shape.join(',')}] does not have ${count} elements`, {
        axis: at,
        count,
        shape,
      });
    }
    return tensorType(shape.with(at, count));
  },
  range([x], { axis: at, result }) {
    return result === 'values' ? boundsOf(x) : [0, (tensorTypeOf(x).shape[at] ?? 1) - 1];
  },
  evaluate([x], _, { axis: at, count, smallest, result }) {
    return mapLines(x, at, count, (line) => {
      const places = topOf(line, count, smallest);
      return result === 'indices' ? places : places.map((k) => line[k]!);
    });
  },
});
