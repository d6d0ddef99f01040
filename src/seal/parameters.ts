/** CKKS parameters as SEAL takes them: checked numbers instead of decimal strings. */
import { CipherloomError } from '../errors.ts';
import type { CryptoParameters } from '../layout/client-plan.ts';
import { log2OfBigInt } from '../layout/security.ts';
import { sha256 } from './sha256.ts';

export interface SealParameters {
  readonly ringDegree: number;
  /** Data primes q_0 … q_L. A value with n primes has residues modulo q_0 … q_(n−1). */
  readonly primes: readonly bigint[];
  /** The primes that only switching keys have; SEAL's own evaluator takes one. */
  readonly specialPrimes: readonly bigint[];
}

/** SEAL's limit of one coefficient modulus is 256 primes; 2^17 at 128 bits needs 3523 / 30. */
const maxPrimes = 128;
const maxSpecialPrimes = 32;
/** SEAL_USER_MOD_BIT_COUNT_MAX */
const maxPrimeBits = 60;

function refuse(message: string, details: Readonly<Record<string, unknown>>): never {
  throw new CipherloomError('PLAN_INVALID', `parameters: ${message}`, {
    phase: 'seal',
    details,
    hint: 'compile the model again',
  });
}

/**
 * Read the parameters of a plan.
 *
 * Throws PLAN_INVALID naming the parameter and the allowed set. That the moduli are prime is
 * left to SEAL, which checks it when a context is made.
 */
export function readSealParameters(parameters: CryptoParameters): SealParameters {
  const { ringDegree } = parameters;
  if (!Number.isInteger(Math.log2(ringDegree)) || ringDegree < 2 ** 10 || ringDegree > 2 ** 17) {
    refuse(`ring degree ${ringDegree} is not a power of two from 1024 to 131072`, { ringDegree });
  }
  if (parameters.primes.length < 1 || parameters.primes.length > maxPrimes) {
    refuse(`the number of data primes must be 1 to ${maxPrimes}`, {
      primes: parameters.primes.length,
    });
  }
  const special = parameters.specialPrimes.length;
  if (special < 1 || special > Math.min(maxSpecialPrimes, parameters.primes.length)) {
    refuse(
      `the number of special primes must be 1 to ${maxSpecialPrimes}, and at most that of data primes`,
      {
        specialPrimes: special,
        primes: parameters.primes.length,
      },
    );
  }
  const all = [...parameters.primes, ...parameters.specialPrimes].map((text, index) => {
    if (!/^[1-9][0-9]{0,18}$/.test(text)) {
      refuse(`prime ${index} is not a decimal number of at most 19 digits`, { index });
    }
    const prime = BigInt(text);
    if (prime >> BigInt(maxPrimeBits) !== 0n || prime < 3n) {
      refuse(`prime ${text} is outside 3 … 2^${maxPrimeBits} − 1`, { index });
    }
    if (prime % BigInt(2 * ringDegree) !== 1n) {
      refuse(`prime ${text} is not 1 modulo ${2 * ringDegree}, so it has no transform`, { index });
    }
    return prime;
  });
  if (new Set(all).size !== all.length) refuse('a prime occurs twice', { primes: all.map(String) });
  return {
    ringDegree,
    primes: all.slice(0, -special),
    specialPrimes: all.slice(-special),
  };
}

/** Refuse, by name, a plan whose keys SEAL's evaluator cannot use. Throws PLAN_INVALID. */
export function requireOneSpecialPrime(specialPrimes: number): void {
  if (specialPrimes === 1) return;
  throw new CipherloomError(
    'PLAN_INVALID',
    `the SEAL evaluator has one special prime, the plan has ${specialPrimes} (special-primes)`,
    {
      phase: 'seal',
      details: { feature: 'special-primes', got: specialPrimes, expected: 1 },
      hint: 'run it on the native evaluator, or compile with --target portable',
    },
  );
}

/** Names the parameters in keys: SHA-256 of ring degree and all primes, special ones last. */
export async function parameterDigest(
  parameters: SealParameters,
): Promise<Uint8Array<ArrayBuffer>> {
  const words = [
    BigInt(parameters.ringDegree),
    BigInt(parameters.primes.length),
    ...parameters.primes,
    ...parameters.specialPrimes,
  ];
  return sha256(new Uint8Array(BigUint64Array.from(words).buffer));
}

/** log2 of q_0 · … · q_(n−1). */
export function levelModulusBits(parameters: SealParameters, primeCount: number): number {
  return parameters.primes
    .slice(0, primeCount)
    .reduce((sum, prime) => sum + log2OfBigInt(prime), 0);
}

/** Moduli of the residues of a switching key that serves values of up to `primeCount` primes. */
export function keyModuli(parameters: SealParameters, primeCount: number): readonly bigint[] {
  return [...parameters.primes.slice(0, primeCount), ...parameters.specialPrimes];
}
