/**
 * The work of single operations on ciphertexts, as both evaluators do it.
 *
 * A key switch of n data and k special primes cuts a polynomial into d digits, brings them to all
 * n + k primes, multiplies them with both halves of a key, and divides two polynomials by P.
 */
import { keyDigitCount, keyDigits } from '../../layout/key-digits.ts';
import { sumOfWork, work } from './work.ts';
import type { Work } from './work.ts';

/** A ciphertext, as far as its size goes. */
export interface RingSize {
  readonly ringDegree: number;
  /** Data primes that it holds. */
  readonly primes: number;
  readonly specialPrimes: number;
}

const perTransform = ({ ringDegree }: RingSize): number => ringDegree * Math.log2(ringDegree);

/** Residues of an extended polynomial: modulo Q·P. */
export const extendedResidues = ({ primes, specialPrimes }: RingSize): number =>
  primes + specialPrimes;

/** Cut a polynomial into digits, modulo all primes. */
export function decomposition(size: RingSize): Work {
  const { ringDegree, primes, specialPrimes } = size;
  const residues = extendedResidues(size);
  const digits = keyDigits(primes, specialPrimes);
  // Modulo its own primes a digit is what it came from.
  const converted = digits.reduce((sum, { first, end }) => sum + residues - (end - first), 0);
  const pairs = digits.reduce((sum, { first, end }) => {
    const own = end - first;
    return own === 1 ? sum : sum + own * (residues - own);
  }, 0);
  return work({
    transform: (primes + converted) * perTransform(size),
    convert: pairs * ringDegree,
    touch: primes * ringDegree,
  });
}

/** Multiply digits with a key; the sums are extended. */
export function keyProducts(size: RingSize): Work {
  const { ringDegree, primes, specialPrimes } = size;
  const residues = extendedResidues(size);
  return work({
    keyProduct: keyDigitCount(primes, specialPrimes) * residues * ringDegree,
    touch: 2 * residues * ringDegree,
  });
}

/** Divide extended polynomials by P. */
export function division(size: RingSize, polynomials: number): Work {
  const { ringDegree, primes, specialPrimes } = size;
  return work({
    transform: polynomials * extendedResidues(size) * perTransform(size),
    convert: specialPrimes === 1 ? 0 : polynomials * specialPrimes * primes * ringDegree,
    touch: 2 * polynomials * primes * ringDegree,
  });
}

/** A rotation, or a relinearisation, by itself. */
export function keySwitch(size: RingSize): Work {
  return sumOfWork([
    [1, decomposition(size)],
    [1, keyProducts(size)],
    [1, division(size, 2)],
    [1, touches(size, 2 * size.primes)],
  ]);
}

/** Drop the last prime of two polynomials, dividing by it. */
export function rescaling(size: RingSize): Work {
  const { ringDegree, primes } = size;
  return work({
    transform: 2 * primes * perTransform(size),
    touch: 4 * (primes - 1) * ringDegree,
  });
}

/** A product of residues with both polynomials. */
export function products({ ringDegree }: RingSize, residues: number): Work {
  return work({ product: residues * ringDegree });
}

/** Residues that are read and written once. */
export function touches({ ringDegree }: RingSize, residues: number): Work {
  return work({ touch: residues * ringDegree });
}

/** A plaintext of so many residues, from its slots. */
export function encoding(size: RingSize, residues: number): Work {
  return work({
    embed: perTransform(size),
    transform: residues * perTransform(size),
    touch: residues * size.ringDegree,
  });
}

/** Read a ciphertext of an input, half of which is drawn from a seed. */
export function reading(size: RingSize): Work {
  const { ringDegree, primes } = size;
  return work({ expand: primes * ringDegree, touch: 2 * primes * ringDegree });
}

/** Expand a key for values of a size. */
export function keyLoading(size: RingSize): Work {
  const digits = keyDigitCount(size.primes, size.specialPrimes);
  return work({ loadKey: digits * extendedResidues(size) * size.ringDegree });
}
