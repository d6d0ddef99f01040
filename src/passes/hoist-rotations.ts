/** Mark linear maps whose rotations of one ciphertext can share their decomposition. */
import { opContext, rewriteProgram } from '../ir/build.ts';
import { affineOf } from '../ir/nn/linear.ts';
import type { AffineAttributes } from '../ir/nn/linear.ts';
import { methodSchema } from '../ir/packed/linear.ts';
import { slottedType } from '../ir/packed/values.ts';
import { operationOf } from '../ir/program.ts';
import { definePass } from './define-pass.ts';
import { isEnabled } from './optimisations.ts';
import { distinctDiagonals, sharesDecomposition } from './packing/plan-linear.ts';

export default definePass({
  name: 'hoist-rotations',
  summary: 'Mark the linear maps whose baby steps share one decomposition of their input.',
  phase: 'ckks',
  run(program, { options }) {
    const enabled = isEnabled(options, 'hoist-rotations');
    return rewriteProgram(program, (operation, _id, { builder, mapped, keep }) => {
      if (operation.op !== 'ckks.linear' || operation.type.kind !== 'ciphertext') return keep();
      const method = methodSchema.parse(operation.attributes['method']);
      const types = operation.operands.map((operand) => operationOf(program, operand).type);
      const attributes = operation.attributes as unknown as AffineAttributes;
      const affine = affineOf(
        types,
        attributes,
        opContext(program.constants, program.modulus, operation.location),
      );
      const { layout } = operation.type;
      const inputs = types.map((type) => slottedType(type).layout);
      const set = distinctDiagonals(affine.maps, inputs, layout, method.fold);
      const hoist = enabled && sharesDecomposition(set, method.giantStep, layout.slots);
      return builder.add(
        operation.op,
        operation.operands.map(mapped),
        { ...operation.attributes, method: { ...method, hoist } },
        { location: operation.location, range: operation.type.range },
      );
    });
  },
});
