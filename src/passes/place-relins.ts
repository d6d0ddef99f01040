/** Insert relinearisations: after the sums of products, just before their rescale. */
import { rewriteProgram } from '../ir/build.ts';
import { definePass } from './define-pass.ts';
import { isEnabled } from './optimisations.ts';

const products = new Set(['ckks.multiply', 'ckks.square']);

export default definePass({
  name: 'place-relins',
  summary: 'Insert relinearisations lazily: once per sum of products, before its rescale.',
  phase: 'ckks',
  run(program, { options }) {
    const lazy = isEnabled(options, 'lazy-relinearise');
    return rewriteProgram(program, (operation, _id, { builder, mapped, keep }) => {
      if (!lazy && products.has(operation.op)) {
        const { location, type } = operation;
        return builder.add('ckks.relinearize', [keep()], {}, { location, range: type.range });
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
