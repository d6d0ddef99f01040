import { z } from 'zod';
import { invariant } from '../../errors.ts';
import { checkLayout } from '../../layout/layout.ts';
import type { Layout } from '../../layout/layout.ts';
import { defineOp } from '../define-op.ts';
import type { OpContext } from '../define-op.ts';
import { affineOf, boundAffine } from '../nn/linear.ts';
import { evaluatePackedLinear, packedLinearAttributes, sameBatch } from '../packed/linear.ts';
import { vectorsValue } from '../packed/values.ts';
import { checkCompositions, rotationTree } from '../packed/compositions.ts';
import { foldChains, methodSteps } from './method-steps.ts';
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
  /** The rotations with keys that add up the parts of a result. */
  readonly folds: readonly number[];
  /** Those of each rotated input, and of each sum. */
  readonly babies: readonly number[];
  readonly giants: readonly number[];
} {
  const inputs = operands.map((operand) => ciphertextOf(operand).layout);
  const method = attributes.method ?? { giantStep: 0, fold: null };
  const affine = affineOf(operands, attributes, context);
  const groups = groupProducts(affine, inputs, attributes.layout, method);
  const { slots } = attributes.layout;
  const folds = foldChains(method, slots).flat();
  if (neverRotates(inputs, attributes.layout))
    return { inputs, groups, folds, babies: [], giants: [] };
  const steps = methodSteps(method);
  const rotated = distinctPairs(groups, (g) => [
    // Ciphertexts of all operands, numbered through: 2^20 of one are more than there can be.
    groups.operand[g]! * 2 ** 20 + groups.inCiphertext[g]!,
    groups.baby[g]!,
  ]);
  const sums = distinctPairs(groups, (g) => [groups.outCiphertext[g]!, groups.giant[g]!]);
  const stepsOf = (tree: { readonly step: Int32Array }): number[] => [...tree.step].filter(Boolean);
  return {
    inputs,
    groups,
    folds,
    babies: stepsOf(rotationTree(rotated, steps.inputs, slots, false)),
    giants: stepsOf(rotationTree(sums, steps.sums, slots, true)),
  };
}

function distinctPairs(
  { count, slots }: LinearGroups,
  pairOf: (group: number) => readonly [number, number],
): (readonly [number, number])[] {
  const pairs = new Map<number, readonly [number, number]>();
  for (let g = 0; g < count; g++) {
    const pair = pairOf(g);
    pairs.set(pair[0] * 2 * slots + pair[1] + slots, pair);
  }
  return [...pairs.values()];
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
    const name = context.location ?? 'ckks.linear';
    checkLayout(attributes.layout, name);
    const compositions = attributes.method?.compositions;
    if (compositions !== undefined) checkCompositions(compositions, attributes.layout.slots, name);
    affineOf(types, attributes, context);
    // Numbers multiply each polynomial alone; rotations take two.
    const products =
      operands.every(({ size }) => size === 3) &&
      neverRotates(
        operands.map(({ layout }) => layout),
        attributes.layout,
      );
    if (!products) requireSize2(operands, context);
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
      products ? 3 : 2,
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
    const { inputs, groups, folds, babies, giants } = workOf(operands, attributes, context);
    const { layout } = attributes;
    return {
      rotations: neverRotates(inputs, layout)
        ? 0
        : babies.length + giants.length + folds.length * layout.ciphertexts,
      plainMultiplications: groups.count,
    };
  },
  keys(operands, attributes, context) {
    const { folds, babies, giants } = workOf(operands, attributes, context);
    const rotations = new Set([...folds, ...babies, ...giants]);
    return { rotations, whole: attributes.method?.wholeKeys === true };
  },
});
