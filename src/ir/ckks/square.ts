import { z } from 'zod';
import { defineOp } from '../define-op.ts';
import { powerOfInterval } from '../intervals.ts';
import { boundsOf } from '../nn/values.ts';
import { mapSlots, unusedBound, unusedOf, vectorsOf, vectorsValue } from '../packed/values.ts';
import { multiplyScales } from '../rational.ts';
import { ciphertext, ciphertextOf, requireSize2 } from './values.ts';

export default defineOp({
  name: 'ckks.square',
  code: 206,
  summary: 'Square of a ciphertext; three polynomials, not yet rescaled.',
  operands: [{ name: 'x', doc: 'what is squared' }],
  attributes: z.strictObject({}),
  levels: 1,
  infer(types, _, context) {
    const x = ciphertextOf(types[0]);
    requireSize2([x], context);
    const layout = { ...x.layout, unused: unusedOf(unusedBound(x.layout) ** 2) };
    return ciphertext(
      layout,
      3,
      x.level,
      x.scale === null ? null : multiplyScales(x.scale, x.scale),
    );
  },
  range: (operands) => powerOfInterval(boundsOf(operands[0]), 2),
  evaluate: (operands) => vectorsValue(mapSlots(vectorsOf(operands[0]), (x) => x * x)),
  cost: (operands) => ({ ciphertextMultiplications: ciphertextOf(operands[0]).layout.ciphertexts }),
});
