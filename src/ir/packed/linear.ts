import { z } from 'zod';
import { invariant } from '../../errors.ts';
import { checkLayout, placementOf } from '../../layout/layout.ts';
import type { Layout } from '../../layout/layout.ts';
import { defineOp } from '../define-op.ts';
import type { AffineMap, Value } from '../define-op.ts';
import { layoutSchema } from '../layout-schema.ts';
import { affineAttributes, affineOf, boundAffine } from '../nn/linear.ts';
import { tensor } from '../tensor.ts';
import type { Type } from '../types.ts';
import { compositionsSchema } from './compositions.ts';
import { foldRotations, forEachDiagonal } from './diagonals.ts';
import type { LinearMethod, VisitDiagonal } from './diagonals.ts';
import { rotateVector, slottedType, spread, vectorsOf, vectorsValue, zipSlots } from './values.ts';
import type { Vectors } from './values.ts';

export const methodSchema = z.strictObject({
  giantStep: z.int().nonnegative(),
  fold: z.strictObject({ step: z.int().positive(), count: z.int().positive() }).nullable(),
  /** The baby steps of an input ciphertext can share one decomposition. */
  hoist: z.boolean().exactOptional(),
  /** Its rotation keys have the primes of the whole chain, not only those of its level. */
  wholeKeys: z.boolean().exactOptional(),
  /** Rotations without a key of their own; absent where every one has its key. */
  compositions: compositionsSchema.exactOptional(),
});

export const packedLinearAttributes = {
  ...affineAttributes,
  /** Layout of the result, with what its unused slots hold. */
  layout: layoutSchema,
  /** Null before lower-linear. */
  method: methodSchema.nullable(),
};

/** Whether two layouts place the images of a batch alike. */
export function sameBatch(a: Layout, b: Layout): boolean {
  const x = placementOf(a).batchOffsets;
  const y = placementOf(b).batchOffsets;
  return x.length === y.length && x.every((offset, image) => offset === y[image]);
}

/** The sum of matrix products in slots, exactly as rotations, diagonals and folds compute it (no bias). */
export function evaluatePackedLinear(
  operands: readonly Value[],
  types: readonly Type[],
  affine: AffineMap,
  layout: Layout,
  method: LinearMethod | null,
): Vectors {
  const { slots } = layout;
  const mask = slots - 1;
  const fold = method?.fold ?? null;
  let sums: Vectors = Array.from({ length: layout.ciphertexts }, () => new Float64Array(slots));
  const { batchOffsets } = placementOf(layout);
  affine.maps.forEach((map, k) => {
    const x = vectorsOf(operands[k]);
    const { weights } = map;
    const visit: VisitDiagonal = (
      outCiphertext,
      slot,
      inCiphertext,
      rotation,
      weight,
      length,
      slotStep,
      weightStep,
    ) => {
      const into = sums[outCiphertext];
      const from = x[inCiphertext];
      if (into === undefined || from === undefined) return;
      for (const offset of batchOffsets) {
        let at = slot + offset;
        let w = weight;
        for (let n = 0; n < length; n++, at += slotStep, w += weightStep) {
          into[at & mask]! += weights[w]! * from[(at + rotation) & mask]!;
        }
      }
    };
    forEachDiagonal(map, slottedType(types[k]).layout, layout, fold, visit);
  });
  for (const step of foldRotations(fold)) {
    sums = sums.map((vector) => {
      const rotated = rotateVector(vector, step);
      return vector.map((value, slot) => value + (rotated[slot] ?? 0));
    });
  }
  return sums;
}

export default defineOp({
  name: 'packed.linear',
  code: 102,
  summary: 'A sum of sparse matrices times operands, plus a bias, between layouts.',
  operands: [{ name: 'x', doc: 'one operand per matrix' }],
  variadic: true,
  attributes: z.strictObject(packedLinearAttributes),
  levels: 1,
  infer(operands, attributes, context) {
    invariant(
      operands.length === attributes.maps.length,
      'packed.linear has one matrix per operand',
    );
    checkLayout(attributes.layout, context.location ?? 'packed.linear');
    affineOf(operands, attributes, context);
    for (const operand of operands) {
      invariant(
        sameBatch(slottedType(operand).layout, attributes.layout),
        'batches are placed alike',
      );
    }
    return { kind: 'vector', layout: attributes.layout, range: null };
  },
  range: (operands, attributes, context) =>
    boundAffine(operands, affineOf(operands, attributes, context)),
  evaluate(operands, types, attributes, context) {
    const affine = affineOf(types, attributes, context);
    const sums = evaluatePackedLinear(
      operands,
      types,
      affine,
      attributes.layout,
      attributes.method,
    );
    if (affine.bias === null) return vectorsValue(sums);
    const bias = spread(attributes.layout, tensor(attributes.layout.shape, affine.bias));
    return vectorsValue(zipSlots(sums, bias, (sum, b) => sum + b));
  },
});
