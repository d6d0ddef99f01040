/**
 * Modelled time of each ciphertext operation.
 *
 * A profile is a committed list of constants, never a measurement of the machine at hand, so that
 * the same model gives the same plan everywhere. The shapes of the formulas are those of an RNS
 * evaluator with one digit per prime: a key switch at level l transforms (l+1)(l+2) residues.
 */

export interface Profile {
  readonly name: string;
  /** The evaluator it was measured on. */
  readonly evaluator: string;
  /** Seconds per residue transform and (N log2 N): rotation, relinearisation. */
  readonly keySwitch: number;
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
  encode: 1.4e-9,
  multiplyPlain: 14e-9,
  multiplyScalar: 14e-9,
  add: 1.2e-9,
  square: 22e-9,
  multiply: 29e-9,
  rescale: 2.8e-9,
  uploadByte: 2e-8,
};

/** Modelled seconds of the operations at a ring degree, for values that hold `primes` data primes. */
export interface OperationSeconds {
  readonly rotate: number;
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

export function operationSeconds(
  profile: Profile,
  ringDegree: number,
  primes: number,
): OperationSeconds {
  const transform = ringDegree * Math.log2(ringDegree);
  const coefficients = ringDegree * primes;
  const keySwitch = profile.keySwitch * primes * (primes + 1) * transform;
  return {
    rotate: keySwitch,
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
