/** Choose the modulus chain and the waterline for the levels a program uses. */
import { rewriteProgram } from '../ir/build.ts';
import { powerOfTwo, toText } from '../ir/rational.ts';
import { definePass } from './define-pass.ts';
import { chooseChain } from './params/chain.ts';

export default definePass({
  name: 'choose-parameters',
  summary:
    'Choose primes and waterline: the largest scale that the security table leaves room for.',
  phase: 'ckks',
  run(program, context) {
    const levels = program.operations.reduce(
      (most, { type }) => Math.max(most, type.kind === 'ciphertext' ? (type.level ?? 0) : 0),
      0,
    );
    const { modulus, waterlineBits } = chooseChain(levels, context.ringDegree, context.options);
    context.note({ kind: 'figure', name: 'waterlineBits', value: waterlineBits });
    return rewriteProgram(
      program,
      (operation, _id, { builder, keep }) => {
        if (operation.op !== 'ckks.input') return keep();
        const attributes = { ...operation.attributes, scale: toText(powerOfTwo(waterlineBits)) };
        return builder.add(operation.op, [], attributes, { location: operation.location });
      },
      modulus,
    );
  },
});
