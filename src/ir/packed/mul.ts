import { z } from 'zod';
import { defineOp } from '../define-op.ts';
import { multiplyIntervals } from '../intervals.ts';
import { boundsOf } from '../nn/values.ts';
import { commonLayout } from './elementwise.ts';
import { vectorsOf, vectorsValue, zipSlots } from './values.ts';

export default defineOp({
  name: 'packed.mul',
  code: 105,
  summary: 'Product of two values of one layout.',
  operands: [
    { name: 'a', doc: 'left' },
    { name: 'b', doc: 'right' },
  ],
  attributes: z.strictObject({}),
  levels: 1,
  infer: (operands) => ({
    kind: 'vector',
    layout: commonLayout(operands, (a, b) => a * b),
    range: null,
  }),
  range: (operands) => multiplyIntervals(boundsOf(operands[0]), boundsOf(operands[1])),
  evaluate: (operands) =>
    vectorsValue(zipSlots(vectorsOf(operands[0]), vectorsOf(operands[1]), (a, b) => a * b)),
});
