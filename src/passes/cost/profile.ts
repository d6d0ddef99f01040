/**
 * Modelled time of each ciphertext operation.
 *
 * A profile is a committed list of constants, never a measurement of the machine at hand, so that
 * the same model gives the same plan everywhere. The shapes of the formulas are those of an RNS
 * evaluator: with d digits a key switch of n data and k special primes transforms d·(n + k) residues
 * of digits, multiplies them with as many of each half of the key, and divides two polynomials by P.
 */
import { keyDigitCount, keyDigits } from '../../layout/key-digits.ts';
import type { CompileOptions } from '../options.ts';

export interface Profile {
  readonly name: string;
  /** The evaluator it was measured on. */
  readonly evaluator: string;
  /** Seconds per residue of a digit and (N log2 N): rotation, relinearisation. */
  readonly keySwitch: number;
  /** Of them, the part that rotations of one ciphertext share: 0 where every one does it all. */
  readonly hoisted: number;
  /** Seconds per byte of a key that is read. */
  readonly keyByte: number;
  /** Seconds per residue modulo Q·P and (N log2 N) of dividing by P. */
  readonly divide: number;
  /** Seconds per coefficient that goes from one prime of a digit, or of P, to another prime. */
  readonly convert: number;
  /** Seconds per (l+3) N log2 N: embedding and transforms of one plaintext. */
  readonly encode: number;
  /** Seconds per residue coefficient of the two polynomials. */
  readonly multiplyPlain: number;
  readonly multiplyScalar: number;
  readonly add: number;
  readonly square: number;
  readonly multiply: number;
  /** Seconds per (l+1) N log2 N. */
  readonly rescale: number;
  /** Seconds per byte that the client uploads. */
  readonly uploadByte: number;
}

/**
 * node-seal 7 on one core of an AVX-512 server, November 2026: least squares by eye over
 * N = 2^13, 2^14, 2^15 with 5, 9 and 17 data primes (rotation 7.4, 40, 269 ms).
 */
export const portableProfile: Profile = {
  name: 'portable',
  evaluator: 'SEAL in WebAssembly on one core',
  keySwitch: 2.0e-9,
  hoisted: 0,
  keyByte: 0,
  divide: 0,
  convert: 0,
  encode: 1.4e-9,
  multiplyPlain: 14e-9,
  multiplyScalar: 14e-9,
  add: 1.2e-9,
  square: 22e-9,
  multiply: 29e-9,
  rescale: 2.8e-9,
  uploadByte: 2e-8,
};

/**
 * The native evaluator on one core with AVX2 (no AVX-512), November 2026: from `cargo bench -p
 * cipherloom-ckks --bench evaluator` at N = 2^14 with eight data primes (transform 48 µs, rotation
 * 7.0 ms, rescale 1.0 ms) and 14.8 GB/s of memory.
 */
export const nativeProfile: Profile = {
  name: 'native',
  evaluator: 'the native evaluator on one core',
  keySwitch: 0.22e-9,
  hoisted: 0.4,
  keyByte: 0.07e-9,
  divide: 0.6e-9,
  convert: 0.5e-9,
  encode: 0.35e-9,
  multiplyPlain: 1.9e-9,
  multiplyScalar: 1.0e-9,
  add: 1.1e-9,
  square: 1.7e-9,
  multiply: 1.8e-9,
  rescale: 0.55e-9,
  uploadByte: 2e-8,
};

/** The profile of the evaluators that a plan is for. */
export function profileOf({ target }: Pick<CompileOptions, 'target'>): Profile {
  return target === 'native' ? nativeProfile : portableProfile;
}

/** Modelled seconds of the operations at a ring degree, for values that hold `primes` data primes. */
export interface OperationSeconds {
  readonly rotate: number;
  /** A further rotation of a ciphertext that is rotated already. */
  readonly rotateHoisted: number;
  readonly relinearize: number;
  readonly encode: number;
  readonly multiplyPlain: number;
  readonly multiplyScalar: number;
  readonly add: number;
  readonly square: number;
  readonly multiply: number;
  readonly rescale: number;
  /** Per uploaded ciphertext. */
  readonly upload: number;
}

/** Modelled seconds of a rotation or relinearisation of a ciphertext of `primes` data primes. */
export function keySwitchSeconds(
  profile: Profile,
  ringDegree: number,
  primes: number,
  specialPrimes: number,
): number {
  const transform = ringDegree * Math.log2(ringDegree);
  const digits = keyDigitCount(primes, specialPrimes);
  const residues = primes + specialPrimes;
  const seconds = profile.keySwitch * digits * residues * transform;
  return (
    seconds +
    profile.keyByte * digits * residues * 2 * 8 * ringDegree +
    profile.divide * residues * transform +
    profile.convert * convertedResidues(primes, specialPrimes) * ringDegree
  );
}

/** Pairs of primes between which a key switch converts; a digit of one prime needs no arithmetic. */
function convertedResidues(primes: number, specialPrimes: number): number {
  if (specialPrimes === 1) return 0;
  const digits = keyDigits(primes, specialPrimes).reduce(
    (sum, { first, end }) => sum + (end - first) * (primes + specialPrimes - (end - first)),
    0,
  );
  return digits + 2 * specialPrimes * primes;
}

export function operationSeconds(
  profile: Profile,
  ringDegree: number,
  primes: number,
  specialPrimes = 1,
): OperationSeconds {
  const transform = ringDegree * Math.log2(ringDegree);
  const coefficients = ringDegree * primes;
  const keySwitch = keySwitchSeconds(profile, ringDegree, primes, specialPrimes);
  return {
    rotate: keySwitch,
    rotateHoisted: keySwitch * (1 - profile.hoisted),
    relinearize: keySwitch,
    encode: profile.encode * (primes + 2) * transform,
    multiplyPlain: profile.multiplyPlain * coefficients,
    multiplyScalar: profile.multiplyScalar * coefficients,
    add: profile.add * coefficients,
    square: profile.square * coefficients,
    multiply: profile.multiply * coefficients,
    rescale: profile.rescale * primes * transform,
    upload: profile.uploadByte * coefficients * 8,
  };
}
