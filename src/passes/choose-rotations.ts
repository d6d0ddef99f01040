/** Choose the rotation keys: exactly the steps used, each trimmed to its highest level. */
import { CipherloomError, invariant } from '../errors.ts';
import { rotationKeys } from '../ir/ckks/rotation-keys.ts';
import { keyDigitCount } from '../layout/key-digits.ts';
import { rewriteProgram } from '../ir/build.ts';
import { methodSchema } from '../ir/packed/linear.ts';
import type { Program } from '../ir/program.ts';
import { definePass } from './define-pass.ts';
import { isEnabled } from './optimisations.ts';

export default definePass({
  name: 'choose-rotations',
  summary: 'List the evaluation keys, each trimmed to the highest level at which it is used.',
  phase: 'ckks',
  run(given, context) {
    const program = isEnabled(context.options, 'trim-keys') ? given : withWholeKeys(given);
    invariant(program.modulus !== null, 'keys are chosen once the modulus is');
    const keys = rotationKeys(program);
    const { ringDegree, primes: chain, specialPrimes } = program.modulus;
    // A seeded key sends one polynomial per digit: its residues at the data primes used and at the
    // special primes, packed to their bits.
    const bytes = (primes: number): number => {
      const moduli = [...chain.slice(0, primes), ...specialPrimes];
      const bits = moduli.reduce((sum, modulus) => sum + modulus.toString(2).length, 0);
      return (keyDigitCount(primes, specialPrimes.length) * ringDegree * bits) / 8;
    };
    const sizes = [
      ...keys.rotations,
      ...(keys.relinearisation === null ? [] : [keys.relinearisation]),
    ];
    const keyBytes = sizes.reduce((sum, { primes }) => sum + bytes(primes), 0);
    context.note({ kind: 'figure', name: 'rotationKeys', value: keys.rotations.length });
    context.note({ kind: 'figure', name: 'keyBytes', value: keyBytes });
    const { maxKeyBytes } = context.options;
    if (maxKeyBytes !== null && keyBytes > maxKeyBytes) {
      throw new CipherloomError(
        'RESOURCE_LIMIT',
        `the evaluation keys take ${keyBytes} bytes, --max-key-bytes allows ${maxKeyBytes}`,
        {
          phase: 'ckks',
          details: { keyBytes, maxKeyBytes, rotationKeys: keys.rotations.length },
          hint: `--max-key-bytes ${keyBytes}, or --batch ${ringDegree / 2}: a batch layout needs no rotation keys`,
        },
      );
    }
    return program;
  },
});

/** Every linear map asks for rotation keys of the whole chain. */
function withWholeKeys(program: Program): Program {
  return rewriteProgram(program, ({ op, attributes, type, location, operands }, _id, rewriter) => {
    if (op !== 'ckks.linear') return rewriter.keep();
    const method = { ...methodSchema.parse(attributes['method']), wholeKeys: true };
    return rewriter.builder.add(
      op,
      operands.map(rewriter.mapped),
      { ...attributes, method },
      { location, range: type.range },
    );
  });
}
