import { z } from 'zod';
import { defineOp } from '../define-op.ts';
import { multiplyIntervals } from '../intervals.ts';
import { boundsOf } from '../nn/values.ts';
import {
  requireSpread,
  slottedType,
  spread,
  unusedBound,
  unusedOf,
  vectorsOf,
  vectorsValue,
  zipSlots,
} from '../packed/values.ts';
import { tensorBounds } from '../tensor.ts';
import { productScale } from './product-scale.ts';
import { ciphertext, ciphertextOf } from './values.ts';

export default defineOp({
  name: 'ckks.multiply-constant',
  code: 211,
  summary: 'Multiply by a constant per element; a single number multiplies unused slots too.',
  operands: [{ name: 'x', doc: 'ciphertext' }],
  attributes: z.strictObject({
    value: z.string().startsWith('@'),
    /** Scale at which the constant is encoded; null before match-scales. */
    plainScale: z.string().nullable(),
  }),
  levels: 1,
  infer(types, { value, plainScale }, context) {
    const x = ciphertextOf(types[0]);
    const constant = context.constant(value);
    requireSpread(x.layout, constant, context);
    const factor = constant.data.length === 1 ? Math.abs(constant.data[0] ?? 0) : 0;
    const layout = { ...x.layout, unused: unusedOf(unusedBound(x.layout) * factor) };
    return ciphertext(layout, x.size, x.level, productScale(x, plainScale));
  },
  range: (operands, { value }, context) =>
    multiplyIntervals(boundsOf(operands[0]), tensorBounds(context.constant(value))),
  evaluate(operands, types, { value }, context) {
    const constant = context.constant(value);
    const elsewhere = constant.data.length === 1 ? (constant.data[0] ?? 0) : 0;
    const factors = spread(slottedType(types[0]).layout, constant, elsewhere);
    return vectorsValue(zipSlots(vectorsOf(operands[0]), factors, (a, b) => a * b));
  },
  cost: (operands) => ({ plainMultiplications: ciphertextOf(operands[0]).layout.ciphertexts }),
});
