/** Insert rescales: after a sum of products, not inside it, and before anything that needs one scale. */
import { rewriteProgram } from '../ir/build.ts';
import type { ProgramBuilder } from '../ir/build.ts';
import type { ValueId } from '../ir/program.ts';
import { lookupOp } from '../ir/ops.ts';
import { definePass } from './define-pass.ts';
import { isEnabled } from './optimisations.ts';

export default definePass({
  name: 'place-rescales',
  summary: 'Insert rescales lazily: once per sum of products.',
  phase: 'ckks',
  run(program, { options }) {
    const lazy = isEnabled(options, 'lazy-rescale');
    /** New values that still carry the scale of a product. */
    const pending = new Set<ValueId>();
    const rescaled = new Map<ValueId, ValueId>();
    const settle = (builder: ProgramBuilder, value: ValueId): ValueId => {
      if (!pending.has(value)) return value;
      const known = rescaled.get(value);
      if (known !== undefined) return known;
      const { location } = builder.operation(value);
      const result = builder.add('ckks.rescale', [value], {}, { location });
      rescaled.set(value, result);
      return result;
    };
    const outputs = new Set(program.outputs.map((output) => output.value));
    return rewriteProgram(program, (operation, id, { builder, mapped }) => {
      let operands = operation.operands.map(mapped);
      const isSum = operation.op === 'ckks.add' || operation.op === 'ckks.sub';
      const stays = lazy && isSum && operands.every((operand) => pending.has(operand));
      if (!stays) operands = operands.map((operand) => settle(builder, operand));
      const value = builder.add(operation.op, operands, operation.attributes, {
        location: operation.location,
        range: operation.type.range,
      });
      if (stays || lookupOp(operation.op).levels > 0) pending.add(value);
      // A linear map is a whole sum already.
      if (operation.op === 'ckks.linear' || outputs.has(id)) return settle(builder, value);
      return value;
    });
  },
});
