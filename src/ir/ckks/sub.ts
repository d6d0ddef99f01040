import { z } from 'zod';
import { defineOp } from '../define-op.ts';
import { subtractIntervals } from '../intervals.ts';
import { boundsOf } from '../nn/values.ts';
import { vectorsOf, vectorsValue, zipSlots } from '../packed/values.ts';
import { sumType } from './sum-type.ts';

export default defineOp({
  name: 'ckks.sub',
  code: 204,
  summary: 'Difference of two ciphertexts of one level and one scale.',
  operands: [
    { name: 'a', doc: 'left' },
    { name: 'b', doc: 'right' },
  ],
  attributes: z.strictObject({}),
  levels: 0,
  infer: (types, _, context) => sumType(types, context),
  range: (operands) => subtractIntervals(boundsOf(operands[0]), boundsOf(operands[1])),
  evaluate: (operands) =>
    vectorsValue(zipSlots(vectorsOf(operands[0]), vectorsOf(operands[1]), (a, b) => a - b)),
});
