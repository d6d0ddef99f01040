import { z } from 'zod';
import { defineOp } from '../define-op.ts';
import { addIntervals } from '../intervals.ts';
import { boundsOf } from '../nn/values.ts';
import { commonLayout } from './elementwise.ts';
import { vectorsOf, vectorsValue, zipSlots } from './values.ts';

export default defineOp({
  name: 'packed.add',
  code: 103,
  summary: 'Sum of two values of one layout.',
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
  range: (operands) => addIntervals(boundsOf(operands[0]), boundsOf(operands[1])),
  evaluate: (operands) =>
    vectorsValue(zipSlots(vectorsOf(operands[0]), vectorsOf(operands[1]), (a, b) => a + b)),
});
