import { z } from 'zod';
import { zeroUnused } from '../../layout/layout.ts';
import { defineOp } from '../define-op.ts';
import { multiplyIntervals } from '../intervals.ts';
import { boundsOf } from '../nn/values.ts';
import { publicAttributes, publicSlots } from '../packed/public-operand.ts';
import { vectorsOf, vectorsValue, zipSlots } from '../packed/values.ts';
import { productScale } from './product-scale.ts';
import { ciphertext, ciphertextOf } from './values.ts';

export default defineOp({
  name: 'ckks.multiply-public',
  code: 213,
  summary: 'Multiply by a value that the server knows; unused slots become zero; not yet rescaled.',
  operands: [{ name: 'x', doc: 'ciphertext' }],
  attributes: z.strictObject({
    ...publicAttributes,
    /** Scale at which the value is encoded; null before match-scales. */
    plainScale: z.string().nullable(),
  }),
  levels: 1,
  infer(types, { plainScale }) {
    const x = ciphertextOf(types[0]);
    const layout = { ...x.layout, unused: zeroUnused };
    return ciphertext(layout, x.size, x.level, productScale(x, plainScale));
  },
  range: (operands, { range }) => multiplyIntervals(boundsOf(operands[0]), range),
  evaluate: (operands, types, { value }, context) =>
    vectorsValue(
      zipSlots(vectorsOf(operands[0]), publicSlots(types[0], value, context), (a, b) => a * b),
    ),
  cost: (operands) => ({ plainMultiplications: ciphertextOf(operands[0]).layout.ciphertexts }),
});
