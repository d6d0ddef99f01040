import { z } from 'zod';
import { defineOp } from '../define-op.ts';
import { multiplyIntervals } from '../intervals.ts';
import { boundsOf } from '../nn/values.ts';
import { commonLayout } from '../packed/elementwise.ts';
import { vectorsOf, vectorsValue, zipSlots } from '../packed/values.ts';
import { multiplyScales } from '../rational.ts';
import { ciphertext, ciphertextOf, commonLevel, requireSize2 } from './values.ts';

export default defineOp({
  name: 'ckks.multiply',
  code: 205,
  summary: 'Product of two ciphertexts of one level; three polynomials, not yet rescaled.',
  operands: [
    { name: 'a', doc: 'left' },
    { name: 'b', doc: 'right' },
  ],
  attributes: z.strictObject({}),
  levels: 1,
  infer(types, _, context) {
    const operands = types.map(ciphertextOf);
    requireSize2(operands, context);
    const [a, b] = operands;
    const [left, right] = [a?.scale ?? null, b?.scale ?? null];
    const scale = left === null || right === null ? null : multiplyScales(left, right);
    return ciphertext(
      commonLayout(types, (x, y) => x * y),
      3,
      commonLevel(operands, context),
      scale,
    );
  },
  range: (operands) => multiplyIntervals(boundsOf(operands[0]), boundsOf(operands[1])),
  evaluate: (operands) =>
    vectorsValue(zipSlots(vectorsOf(operands[0]), vectorsOf(operands[1]), (a, b) => a * b)),
  cost: (operands) => ({ ciphertextMultiplications: ciphertextOf(operands[0]).layout.ciphertexts }),
});
