import { z } from 'zod';
import { defineOp } from '../define-op.ts';
import { addIntervals } from '../intervals.ts';
import { boundsOf } from '../nn/values.ts';
import { publicAttributes, publicSlots } from './public-operand.ts';
import { vectorsOf, vectorsValue, zipSlots } from './values.ts';
import { slottedType } from './values.ts';

export default defineOp({
  name: 'packed.add-public',
  code: 107,
  summary: 'Add a value that the server knows; unused slots stay.',
  operands: [{ name: 'x', doc: 'any vector' }],
  attributes: z.strictObject(publicAttributes),
  levels: 0,
  infer: (operands) => ({ kind: 'vector', layout: slottedType(operands[0]).layout, range: null }),
  range: (operands, { range }) => addIntervals(boundsOf(operands[0]), range),
  evaluate: (operands, types, { value }, context) =>
    vectorsValue(
      zipSlots(vectorsOf(operands[0]), publicSlots(types[0], value, context), (a, b) => a + b),
    ),
});
