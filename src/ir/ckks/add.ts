import { z } from 'zod';
import { defineOp } from '../define-op.ts';
import { addIntervals } from '../intervals.ts';
import { boundsOf } from '../nn/values.ts';
import { commonLayout } from '../packed/elementwise.ts';
import { vectorsOf, vectorsValue, zipSlots } from '../packed/values.ts';
import { ciphertext, ciphertextOf, commonLevel, commonScale } from './values.ts';

export default defineOp({
  name: 'ckks.add',
  code: 203,
  summary: 'Sum of two ciphertexts of one level and one scale.',
  operands: [
    { name: 'a', doc: 'left' },
    { name: 'b', doc: 'right' },
  ],
  attributes: z.strictObject({}),
  levels: 0,
  infer(types, _, context) {
    const operands = types.map(ciphertextOf);
    const size = operands.some((operand) => operand.size === 3) ? 3 : 2;
    const scale = commonScale(
      operands.map((operand) => operand.scale),
      context,
    );
    return ciphertext(
      commonLayout(types, (a, b) => a + b),
      size,
      commonLevel(operands, context),
      scale,
    );
  },
  range: (operands) => addIntervals(boundsOf(operands[0]), boundsOf(operands[1])),
  evaluate: (operands) =>
    vectorsValue(zipSlots(vectorsOf(operands[0]), vectorsOf(operands[1]), (a, b) => a + b)),
});
