/** Insert relinearisations: after the sums of products, just before their rescale or linear map. */
import { rewriteProgram } from '../ir/build.ts';
import type { ValueId } from '../ir/program.ts';
import { definePass } from './define-pass.ts';
import { isEnabled } from './optimisations.ts';

const products = new Set(['ckks.multiply', 'ckks.square']);

export default definePass({
  name: 'place-relins',
  summary:
    'Insert relinearisations lazily: once per sum of products, before its rescale or linear map.',
  phase: 'ckks',
  run(program, { options }) {
    const lazy = isEnabled(options, 'lazy-relinearise');
    const relinearised = new Map<ValueId, ValueId>();
    return rewriteProgram(program, (operation, _id, { builder, mapped, keep }) => {
      if (!lazy && products.has(operation.op)) {
        const { location, type } = operation;
        return builder.add('ckks.relinearize', [keep()], {}, { location, range: type.range });
      }
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
