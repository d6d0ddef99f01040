/**
 * Bytes of the bundle of evaluation keys as a client sends it.
 *
 * A seeded key sends one polynomial per digit and its seed: the residues at the data primes used and at
 * the special primes, packed to their bits.
 */
import { keyDigitCount } from './key-digits.ts';

/** A modulus, special primes last. */
interface KeyModulus {
  readonly ringDegree: number;
  readonly primes: readonly bigint[];
  readonly specialPrimes: readonly bigint[];
}

/** Seed of the second polynomial of a digit. */
export const keySeedBytes = 64;

/** Digest and padding after each key. */
export const keyTrailerBytes = 64;

const fixedHeadBytes = 104;
const entryBytes = 32;
const digestBytes = 32;
const alignment = 64;

/** Bits sent of a coefficient, never fewer than the low half of a word. */
export function keptBits(modulus: bigint): number {
  return Math.max(32, modulus.toString(2).length);
}

/** The head of a bundle: what it belongs to, and where each key stands. */
export function keyHeadBytes(keys: number): number {
  const bytes = fixedHeadBytes + keys * entryBytes + digestBytes;
  return Math.ceil(bytes / alignment) * alignment;
}

/** A key for values of so many data primes. */
export function sentKeyBytes(
  { ringDegree, primes, specialPrimes }: KeyModulus,
  primeCount: number,
): number {
  const moduli = [...primes.slice(0, primeCount), ...specialPrimes];
  const bits = moduli.reduce((sum, modulus) => sum + keptBits(modulus), 0);
  const digits = keyDigitCount(primeCount, specialPrimes.length);
  return digits * (keySeedBytes + (ringDegree / 8) * bits);
}

/** A bundle of keys, each for values of so many data primes. */
export function keyBundleBytes(modulus: KeyModulus, primeCounts: readonly number[]): number {
  return primeCounts.reduce(
    (sum, primes) => sum + sentKeyBytes(modulus, primes) + keyTrailerBytes,
    keyHeadBytes(primeCounts.length),
  );
}
