import { z } from 'zod';
import { topOf } from '../../layout/postprocess.ts';
import { defineOp } from '../define-op.ts';
import { axis } from './attributes.ts';
import { checkAxis } from './axis-walk.ts';
import { mapLines } from './line-selection.ts';
import { tensorType, tensorTypeOf } from './values.ts';

export default defineOp({
  name: 'nn.hardmax',
  code: 53,
  summary:
    'One at the largest element along an axis, the first of equals, 0 elsewhere; moved to the client.',
  operands: [{ name: 'x', doc: 'any tensor' }],
  attributes: z.strictObject({ axis }),
  levels: 0,
  infer([x], attributes, context) {
    const { shape } = tensorTypeOf(x);
    checkAxis(shape, attributes.axis, context);
    return tensorType(shape);
  },
  range: () => [0, 1],
  evaluate([x], [type], attributes) {
    const count = tensorTypeOf(type).shape[attributes.axis] ?? 1;
    return mapLines(x, attributes.axis, count, (line) => {
      const [best] = topOf(line, 1, false);
      return line.map((_, k) => (k === best ? 1 : 0));
    });
  },
});
