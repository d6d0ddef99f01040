import { z } from 'zod';
import { invariant } from '../../errors.ts';
import { checkLayout } from '../../layout/layout.ts';
import type { Layout } from '../../layout/layout.ts';
import { defineOp } from '../define-op.ts';
import type { OpContext } from '../define-op.ts';
import { affineOf, boundAffine } from '../nn/linear.ts';
import { evaluatePackedLinear, packedLinearAttributes, sameBatch } from '../packed/linear.ts';
import { vectorsValue } from '../packed/values.ts';
import { centredRotation, foldRotations } from '../packed/diagonals.ts';
import { fromText, multiply } from '../rational.ts';
import type { Type } from '../types.ts';
import { groupProducts, neverRotates } from './group-products.ts';
import type { LinearGroups } from './group-products.ts';
import { ciphertext, ciphertextOf, commonLevel, commonScale, requireSize2 } from './values.ts';

const linearSchema = z.strictObject({
  ...packedLinearAttributes,
  bias: z.null(),
  /** Per operand, the scale at which its diagonals are encoded; null before match-scales. */
  plainScales: z.array(z.string()).readonly().nullable(),
});

/** Diagonals, input layouts and fold rotations of an operation. */
function workOf(
  operands: readonly Type[],
  attributes: z.output<typeof linearSchema>,
  context: OpContext,
): {
  readonly inputs: readonly Layout[];
  readonly groups: LinearGroups;
  readonly folds: readonly number[];
} {
  const inputs = operands.map((operand) => ciphertextOf(operand).layout);
  const method = attributes.method ?? { giantStep: 0, fold: null };
  const affine = affineOf(operands, attributes, context);
  const groups = groupProducts(affine, inputs, attributes.layout, method);
  return { inputs, groups, folds: foldRotations(method.fold) };
}

export default defineOp({
  name: 'ckks.linear',
  code: 202,
  summary: 'A sum of sparse matrices times operands by rotations and diagonals; not yet rescaled.',
  operands: [{ name: 'x', doc: 'one operand per matrix' }],
  variadic: true,
  attributes: linearSchema,
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
  cost(operands, attributes, context) {
    const { inputs, groups, folds } = workOf(operands, attributes, context);
    const babies = new Set<string>();
    const giants = new Set<string>();
    for (let g = 0; g < groups.count; g++) {
      const { operand, inCiphertext, baby, outCiphertext, giant } = groups;
      if (baby[g] !== 0) babies.add([operand[g], inCiphertext[g], baby[g]].join());
      if (giant[g] !== 0) giants.add([outCiphertext[g], giant[g]].join());
    }
    const { ciphertexts } = attributes.layout;
    return {
      rotations: neverRotates(inputs, attributes.layout)
        ? 0
        : babies.size + giants.size + folds.length * ciphertexts,
      plainMultiplications: groups.count,
    };
  },
  keys(operands, attributes, context) {
    const { inputs, groups, folds } = workOf(operands, attributes, context);
    const { slots } = attributes.layout;
    const rotations = new Set(folds.map((step) => centredRotation(step, slots)));
    if (!neverRotates(inputs, attributes.layout)) {
      for (const step of groups.baby) rotations.add(step);
      for (const step of groups.giant) rotations.add(step);
    }
    rotations.delete(0);
    return { rotations, whole: attributes.method?.wholeKeys === true };
  },
});
