/**
 * P·s′, the secret from which a key switches, for keys of several special primes.
 *
 * Only `secret-key.ts` imports this file: what it holds is as secret as the key. SEAL draws every
 * encryption of zero; here multiples of the secret are added to them, exactly, modulo each prime.
 */
import type { KeyDigit } from '../layout/key-digits.ts';
import type { SealParameters } from './parameters.ts';
import { galoisElement, type SwitchingKeyRequest } from './switching-key-blob.ts';

/** P·s modulo every data prime, from which the P·s′ of all keys follow. */
export class SwitchedSecrets implements Disposable {
  readonly #parameters: SealParameters;
  readonly #secret: BigUint64Array<ArrayBuffer>;
  /** [primes][ringDegree], transformed. */
  readonly #timesSpecial: BigUint64Array<ArrayBuffer>;

  /**
   * @param secret residues of s as `SecretKey` holds them, shared
   *
   * Cost: a product a coefficient, about 0.2 µs each.
   */
  constructor(parameters: SealParameters, secret: BigUint64Array<ArrayBuffer>) {
    const { ringDegree, primes, specialPrimes } = parameters;
    const special = specialPrimes.reduce((product, prime) => product * prime, 1n);
    this.#parameters = parameters;
    this.#secret = secret;
    this.#timesSpecial = new BigUint64Array(primes.length * ringDegree);
    primes.forEach((prime, i) => {
      const factor = special % prime;
      for (let n = i * ringDegree; n < (i + 1) * ringDegree; n++) {
        this.#timesSpecial[n] = (secret[n]! * factor) % prime;
      }
    });
  }

  /**
   * P·s′ modulo the data primes of a key: s′ is s turned by the rotation's automorphism, or s².
   *
   * Returns [primeCount][ringDegree], transformed; the caller wipes it
   */
  of({ kind, step, primeCount }: SwitchingKeyRequest): BigUint64Array<ArrayBuffer> {
    const { ringDegree, primes } = this.#parameters;
    const result = new BigUint64Array(primeCount * ringDegree);
    const from =
      kind === 'rotation' ? turnedPositions(ringDegree, galoisElement(ringDegree, step)) : null;
    for (let i = 0; i < primeCount; i++) {
      const start = i * ringDegree;
      const prime = primes[i]!;
      for (let n = 0; n < ringDegree; n++) {
        result[start + n] =
          from === null
            ? (this.#timesSpecial[start + n]! * this.#secret[start + n]!) % prime
            : this.#timesSpecial[start + from[n]!]!;
      }
    }
    return result;
  }

  [Symbol.dispose](): void {
    this.#timesSpecial.fill(0n);
  }
}

/**
 * Add P·s′ to the residues of a digit's primes.
 *
 * Shapes  words [primes + special primes][ringDegree]; switched [primes][ringDegree]
 */
export function addSwitched(
  words: BigUint64Array,
  switched: BigUint64Array,
  { first, end }: KeyDigit,
  { ringDegree, primes }: SealParameters,
): void {
  for (let i = first; i < end; i++) {
    const prime = primes[i]!;
    for (let n = i * ringDegree; n < (i + 1) * ringDegree; n++) {
      const sum = words[n]! + switched[n]!;
      words[n] = sum >= prime ? sum - prime : sum;
    }
  }
}

/**
 * Where the automorphism X → X^element takes each transformed coefficient from.
 *
 * Source: microsoft/SEAL v4.1.2 native/src/seal/util/galois.cpp generate_table_ntt.
 */
function turnedPositions(ringDegree: number, element: number): Uint32Array {
  const bits = Math.log2(ringDegree);
  return Uint32Array.from({ length: ringDegree }, (_, n) => {
    // The transform at position n is the value at the root with exponent 2·reversed(n) + 1.
    const exponent = (element * (2 * reversed(n, bits) + 1)) % (2 * ringDegree);
    return reversed((exponent - 1) / 2, bits);
  });
}

function reversed(value: number, bits: number): number {
  let result = 0;
  for (let k = 0; k < bits; k++) result |= ((value >> k) & 1) << (bits - 1 - k);
  return result;
}
