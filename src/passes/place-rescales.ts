/**
 * Insert rescales: after a sum of products, not inside it, and before anything that needs one scale.
 *
 * Where rescales are shared, a linear map takes a product as it is, and its own rescale serves both.
 */
import { rewriteProgram } from '../ir/build.ts';
import type { ProgramBuilder } from '../ir/build.ts';
import { usersOf } from '../ir/program.ts';
import type { ValueId } from '../ir/program.ts';
import { lookupOp } from '../ir/ops.ts';
import { definePass } from './define-pass.ts';
import { isEnabled } from './optimisations.ts';

export default definePass({
  name: 'place-rescales',
  summary: 'Insert rescales lazily: once per sum of products.',
  phase: 'ckks',
  run(program, { options, shareRescales = false }) {
    const lazy = isEnabled(options, 'lazy-rescale');
    /** New values that still carry the scale of a product. */
    const pending = new Set<ValueId>();
    /** Those among them that are products of ciphertexts, or sums with one. */
    const products = new Set<ValueId>();
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
    const users = usersOf(program);
    const onlyMapped = (id: ValueId): boolean =>
      !outputs.has(id) &&
      users[id]?.every((user) => program.operations[user]?.op === 'ckks.linear') === true;
    return rewriteProgram(program, (operation, id, { builder, mapped }) => {
      let operands = operation.operands.map(mapped);
      const isSum = operation.op === 'ckks.add' || operation.op === 'ckks.sub';
      const stays = lazy && isSum && operands.every((operand) => pending.has(operand));
      const shares = (operand: ValueId, k: number): boolean =>
        shareRescales &&
        operation.op === 'ckks.linear' &&
        products.has(operand) &&
        onlyMapped(operation.operands[k] ?? -1);
      if (!stays) {
        operands = operands.map((operand, k) =>
          shares(operand, k) ? operand : settle(builder, operand),
        );
      }
      const value = builder.add(operation.op, operands, operation.attributes, {
        location: operation.location,
        range: operation.type.range,
      });
      if (stays || lookupOp(operation.op).levels > 0) pending.add(value);
      const isProduct = operation.op === 'ckks.square' || operation.op === 'ckks.multiply';
      if (isProduct || (stays && operands.some((operand) => products.has(operand)))) {
        products.add(value);
      }
      // A linear map is a whole sum already.
      if (operation.op === 'ckks.linear' || outputs.has(id)) return settle(builder, value);
      return value;
    });
  },
});
