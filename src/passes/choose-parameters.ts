/** Choose the modulus chain and the waterline for the levels a program uses. */
import { rewriteProgram } from '../ir/build.ts';
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
    const { modulus, waterlineBits } = chooseChain(levels, context);
    context.note({ kind: 'figure', name: 'waterlineBits', value: waterlineBits });
    // Scales follow in match-scales: until summands are matched no rule could hold.
    return rewriteProgram(program, (_operation, _id, { keep }) => keep(), modulus);
  },
});
