import { z } from 'zod';
import { invariant } from '../../errors.ts';
import { checkLayout } from '../../layout/layout.ts';
import { defineOp } from '../define-op.ts';
import { affineOf, boundAffine } from '../nn/linear.ts';
import { evaluatePackedLinear, packedLinearAttributes, sameBatch } from '../packed/linear.ts';
import { vectorsValue } from '../packed/values.ts';
import { fromText, multiply } from '../rational.ts';
import { ciphertext, ciphertextOf, commonLevel, commonScale, requireSize2 } from './values.ts';

export default defineOp({
  name: 'ckks.linear',
  code: 202,
  summary: 'A sum of sparse matrices times operands by rotations and diagonals; not yet rescaled.',
  operands: [{ name: 'x', doc: 'one operand per matrix' }],
  variadic: true,
  attributes: z.strictObject({
    ...packedLinearAttributes,
    bias: z.null(),
    /** Per operand, the scale at which its diagonals are encoded; null before match-scales. */
    plainScales: z.array(z.string()).readonly().nullable(),
  }),
  levels: 1,
  infer(types, attributes, context) {
    const operands = types.map(ciphertextOf);
    invariant(operands.length === attributes.maps.length, 'ckks.linear has one matrix per operand');
    checkLayout(attributes.layout, context.location ?? 'ckks.linear');
    affineOf(types, attributes, context);
    requireSize2(operands, context);
    for (const operand of operands) {
      invariant(sameBatch(operand.layout, attributes.layout), 'batches are placed alike');
    }
    const { plainScales } = attributes;
    const scales = operands.map((operand, k) => {
      const plain = plainScales?.[k];
      return plain === undefined || operand.scale === null
        ? null
        : multiply(operand.scale, fromText(plain));
    });
    return ciphertext(
      attributes.layout,
      2,
      commonLevel(operands, context),
      commonScale(scales, context),
    );
  },
  range: (operands, attributes, context) =>
    boundAffine(operands, affineOf(operands, attributes, context)),
  evaluate(operands, types, attributes, context) {
    const affine = affineOf(types, attributes, context);
    return vectorsValue(
      evaluatePackedLinear(operands, types, affine, attributes.layout, attributes.method),
    );
  },
});
