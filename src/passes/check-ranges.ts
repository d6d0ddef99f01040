/** Refuse a program in which a value could exceed half of the modulus at its level: CKKS wraps silently. */
import { CipherloomError, invariant } from '../errors.ts';
import type { Operation, Program } from '../ir/program.ts';
import { log2 } from '../ir/rational.ts';
import { slotMagnitude } from '../ir/types.ts';
import { log2OfBigInt } from '../layout/security.ts';
import { definePass } from './define-pass.ts';

/** Part of a bit left to the noise, which the estimate keeps far below the message. */
const noiseBits = 0.05;

export default definePass({
  name: 'check-ranges',
  summary:
    'Check that every value, unused slots included, stays under half of the modulus at its level.',
  phase: 'ckks',
  run(program) {
    for (const operation of program.operations) checkOperation(program, operation);
    return program;
  },
});

function checkOperation(program: Program, operation: Operation): void {
  const { type } = operation;
  invariant(
    type.kind === 'ciphertext' && type.level !== null && type.scale !== null,
    'levels and scales are chosen',
  );
  // Partial sums inside a linear map may wrap: sums are exact modulo Q, and only the result counts.
  const bound = slotMagnitude(type);
  const node = operation.location ?? undefined;
  if (!Number.isFinite(bound)) {
    throw new CipherloomError(
      'RANGE_TOO_LARGE',
      `the range of this value (${operation.op}) is not known`,
      {
        phase: 'ckks',
        node,
        hint: '--calibration X.npy with real inputs bounds every value',
      },
    );
  }
  const primes = program.modulus?.primes.slice(0, type.level + 1) ?? [];
  const available = primes.reduce((bits, prime) => bits + log2OfBigInt(prime), 0) - 1;
  const needed = (bound === 0 ? -Infinity : Math.log2(bound)) + log2(type.scale) + noiseBits;
  if (needed > available) {
    throw new CipherloomError(
      'RANGE_TOO_LARGE',
      `values up to ${bound.toPrecision(4)} at scale 2^${log2(type.scale).toFixed(2)} need ${needed.toFixed(1)} bits; level ${type.level} holds ${available.toFixed(1)}`,
      {
        phase: 'ckks',
        node,
        details: {
          bound,
          scaleBits: log2(type.scale),
          level: type.level,
          neededBits: needed,
          availableBits: available,
          missingBits: needed - available,
        },
        hint: `${Math.ceil(needed - available)} more bits are needed: --calibration X.npy for tighter ranges, or a larger first entry of --prime-bits`,
      },
    );
  }
}
