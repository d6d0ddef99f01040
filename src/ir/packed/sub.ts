import { z } from 'zod';
import { defineOp } from '../define-op.ts';
import { subtractIntervals } from '../intervals.ts';
import { boundsOf } from '../nn/values.ts';
import { commonLayout } from './elementwise.ts';
import { vectorsOf, vectorsValue, zipSlots } from './values.ts';

export default defineOp({
  name: 'packed.sub',
  code: 104,
  summary: 'Difference of two values of one layout.',
  operands: [
    { name: 'a', doc: 'left' },
    { name: 'b', doc: 'right' },
  ],
  attributes: z.strictObject({}),
  levels: 0,
  infer: (operands) => ({
    kind: 'vector',
    layout: commonLayout(operands, (a, b) => a + b),
    range: null,
  }),
  range: (operands) => subtractIntervals(boundsOf(operands[0]), boundsOf(operands[1])),
  evaluate: (operands) =>
    vectorsValue(zipSlots(vectorsOf(operands[0]), vectorsOf(operands[1]), (a, b) => a - b)),
});
