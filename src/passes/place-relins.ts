/**
 * Insert relinearisations: after the sums of products, just before their rescale or linear map, or
 * behind a linear map of fewer sums.
 */
import { rewriteProgram } from '../ir/build.ts';
import { neverRotates } from '../ir/ckks/group-products.ts';
import { linearGroups } from '../ir/ckks/linear-groups.ts';
import { ciphertextOf } from '../ir/ckks/values.ts';
import { operationOf, usersOf } from '../ir/program.ts';
import type { Operation, Program, ValueId } from '../ir/program.ts';
import { operationSeconds, profileOf } from './cost/profile.ts';
import { definePass } from './define-pass.ts';
import type { PassContext } from './define-pass.ts';
import { isEnabled } from './optimisations.ts';
import { levelsBelow } from './packing/depth.ts';
import { relinearisationSeconds } from './packing/late-relinearisation.ts';

const products = new Set(['ckks.multiply', 'ckks.square']);

export default definePass({
  name: 'place-relins',
  summary:
    'Insert relinearisations lazily: once per sum of products, before its rescale or linear map, or behind a map of fewer sums.',
  phase: 'ckks',
  run(program, context) {
    const lazy = isEnabled(context.options, 'lazy-relinearise');
    const late = lazy ? lateMaps(program, context) : new Set<Operation>();
    const relinearised = new Map<ValueId, ValueId>();
    return rewriteProgram(program, (operation, _id, { builder, mapped, keep }) => {
      if (!lazy && products.has(operation.op)) {
        const { location, type } = operation;
        return builder.add('ckks.relinearize', [keep()], {}, { location, range: type.range });
      }
      if (late.has(operation)) return keep();
      if (operation.op === 'ckks.linear') {
        // Maps that share the rescale of a product read it relinearised, once for all of them.
        const operands = operation.operands.map(mapped).map((operand) => {
          const { type, location } = builder.operation(operand);
          if (type.kind !== 'ciphertext' || type.size !== 3) return operand;
          const made =
            relinearised.get(operand) ??
            builder.add('ckks.relinearize', [operand], {}, { location, range: type.range });
          relinearised.set(operand, made);
          return made;
        });
        const { location, type } = operation;
        return builder.add(operation.op, operands, operation.attributes, {
          location,
          range: type.range,
        });
      }
      const [operand = -1] = operation.operands.map(mapped);
      const type = operation.op === 'ckks.rescale' ? builder.typeOf(operand) : null;
      // Rescaling three polynomials first would cost 6.3 bits: the rounding error of the third is
      // multiplied by s², of variance 2N (2/3)².
      if (type?.kind !== 'ciphertext' || type.size !== 3) return keep();
      const options = { location: operation.location, range: operation.type.range };
      const linear = builder.add('ckks.relinearize', [operand], {}, options);
      return builder.add('ckks.rescale', [linear], {}, options);
    });
  },
});

/** The linear maps whose sums are relinearised, since that takes less time than their operands do. */
function lateMaps(program: Program, { options, ringDegree }: PassContext): ReadonlySet<Operation> {
  const users = usersOf(program);
  const rescales = (operation: Operation): number => (operation.op === 'ckks.rescale' ? 1 : 0);
  const below = levelsBelow(program, rescales);
  return new Set(
    program.operations.filter((operation, id) => {
      const { op, operands, type } = operation;
      if (op !== 'ckks.linear') return false;
      const types = operands.map((operand) => ciphertextOf(operationOf(program, operand).type));
      const alone = operands.every((operand) => users[operand]?.length === 1);
      if (!alone || types.some(({ size }) => size !== 3)) return false;
      const inputs = types.map(({ layout }) => layout);
      const { layout } = ciphertextOf(type);
      // Counting the groups of a map that rotates takes long, for nothing.
      if (!neverRotates(inputs, layout)) return false;
      const { count } = linearGroups(program, operation);
      const seconds = operationSeconds(profileOf(options), ringDegree, (below[id] ?? 0) + 1);
      const { early, late } = relinearisationSeconds(inputs, layout, count, seconds);
      return late < early;
    }),
  );
}
