import { z } from 'zod';
import { defineOp } from '../define-op.ts';
import { identityMap } from '../linear-map.ts';
import { shapeOf } from '../types.ts';
import { boundsOf, tensorOf, tensorType, tensorTypeOf } from './values.ts';

export default defineOp({
  name: 'nn.identity',
  code: 2,
  summary: 'The operand itself.',
  operands: [{ name: 'x', doc: 'any tensor' }],
  attributes: z.strictObject({}),
  levels: 0,
  infer: ([x]) => tensorType(tensorTypeOf(x).shape),
  range: ([x]) => boundsOf(x),
  evaluate: ([x]) => ({ kind: 'tensor', tensor: tensorOf(x) }),
  affine: ([x]) => ({ maps: [identityMap(shapeOf(tensorTypeOf(x)))], bias: null }),
});
