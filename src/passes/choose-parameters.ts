/** Choose the modulus chain and the waterline for the levels a program uses. */
import { rewriteProgram } from '../ir/build.ts';
import { definePass } from './define-pass.ts';
import { highestLevel } from './packing/depth.ts';
import { chooseChain } from './params/chain.ts';
import { sharedLevels } from './params/shared-rescales.ts';

export default definePass({
  name: 'choose-parameters',
  summary:
    'Choose primes and waterline: the largest scale that the security table leaves room for.',
  phase: 'ckks',
  run(program, context) {
    const { modulus, waterlineBits } = chooseChain(
      highestLevel(program),
      context,
      sharedLevels(program),
    );
    context.note({ kind: 'figure', name: 'waterlineBits', value: waterlineBits });
    const specialPrimes = modulus.specialPrimes.length;
    context.note({ kind: 'figure', name: 'specialPrimes', value: specialPrimes });
    // Scales follow in match-scales: until summands are matched no rule could hold.
    return rewriteProgram(program, (_operation, _id, { keep }) => keep(), modulus);
  },
});
