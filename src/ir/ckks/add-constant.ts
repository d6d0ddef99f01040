import { z } from 'zod';
import { defineOp } from '../define-op.ts';
import { addIntervals } from '../intervals.ts';
import { boundsOf } from '../nn/values.ts';
import {
  requireSpread,
  slottedType,
  spread,
  vectorsOf,
  vectorsValue,
  zipSlots,
} from '../packed/values.ts';
import { tensorBounds } from '../tensor.ts';
import { ciphertextOf } from './values.ts';

export default defineOp({
  name: 'ckks.add-constant',
  code: 210,
  summary: 'Add a constant per element, encoded at the scale of the ciphertext; unused slots stay.',
  operands: [{ name: 'x', doc: 'ciphertext' }],
  attributes: z.strictObject({ value: z.string().startsWith('@') }),
  levels: 0,
  infer(types, { value }, context) {
    const x = ciphertextOf(types[0]);
    requireSpread(x.layout, context.constant(value), context);
    return { ...x, range: null };
  },
  range: (operands, { value }, context) =>
    addIntervals(boundsOf(operands[0]), tensorBounds(context.constant(value))),
  evaluate(operands, types, { value }, context) {
    const constant = spread(slottedType(types[0]).layout, context.constant(value));
    return vectorsValue(zipSlots(vectorsOf(operands[0]), constant, (a, b) => a + b));
  },
});
