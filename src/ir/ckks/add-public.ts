import { z } from 'zod';
import { defineOp } from '../define-op.ts';
import { addIntervals } from '../intervals.ts';
import { boundsOf } from '../nn/values.ts';
import { publicAttributes, publicSlots } from '../packed/public-operand.ts';
import { vectorsOf, vectorsValue, zipSlots } from '../packed/values.ts';
import { ciphertextOf } from './values.ts';

export default defineOp({
  name: 'ckks.add-public',
  code: 212,
  summary:
    'Add a value that the server knows, encoded at the scale of the ciphertext; unused slots stay.',
  operands: [{ name: 'x', doc: 'ciphertext' }],
  attributes: z.strictObject(publicAttributes),
  levels: 0,
  infer: (operands) => ({ ...ciphertextOf(operands[0]), range: null }),
  range: (operands, { range }) => addIntervals(boundsOf(operands[0]), range),
  evaluate: (operands, types, { value }, context) =>
    vectorsValue(
      zipSlots(vectorsOf(operands[0]), publicSlots(types[0], value, context), (a, b) => a + b),
    ),
});
