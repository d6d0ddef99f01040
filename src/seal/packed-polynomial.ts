/**
 * Polynomials without the bits that no coefficient has.
 *
 * Coefficients are below primes of some 40 bits but stand in 64; keys are the largest thing a
 * client sends, and this takes a third off them at about 15 ns a coefficient.
 *
 * Layout  low 32 bits of every coefficient [ringDegree] · the bits above, `prime bits − 32` for each
 *         coefficient, packed from the low end of the first byte on
 * ASSUME: little-endian, see `residues.ts`.
 */
import { invariant } from '../errors.ts';
import { keptBits } from '../layout/key-bytes.ts';

/** Bytes of one packed polynomial; the ring degree is a multiple of 8, so nothing is padded. */
export function packedBytes(ringDegree: number, modulus: bigint): number {
  return (ringDegree / 8) * keptBits(modulus);
}

/** Pack a polynomial [ringDegree] into `out` from `offset`. Coefficients must be below the modulus. */
export function packPolynomial(
  words: BigUint64Array,
  modulus: bigint,
  out: Uint8Array,
  offset: number,
): void {
  const halves = new Uint32Array(words.buffer, words.byteOffset, words.length * 2);
  const low = new Uint32Array(words.length);
  const highBits = keptBits(modulus) - 32;
  let at = offset + 4 * words.length;
  // Fewer than 8 bits wait for a full byte.
  let waiting = 0;
  let bits = 0;
  let overflow = 0;
  for (let i = 0; i < words.length; i++) {
    low[i] = halves[2 * i]!;
    let high = halves[2 * i + 1]!;
    let left = highBits;
    if (bits + left >= 8) {
      out[at++] = waiting | (high << bits);
      high >>>= 8 - bits;
      left -= 8 - bits;
      waiting = 0;
      bits = 0;
      for (; left >= 8; left -= 8) {
        out[at++] = high;
        high >>>= 8;
      }
    }
    waiting |= high << bits;
    bits += left;
    overflow |= high >>> left;
  }
  invariant(overflow === 0, 'coefficients are below their modulus');
  out.set(new Uint8Array(low.buffer), offset);
}

/** Unpack a polynomial into `words` [ringDegree]; coefficients may exceed the modulus. */
export function unpackPolynomial(
  bytes: Uint8Array,
  offset: number,
  modulus: bigint,
  words: BigUint64Array,
): void {
  const halves = new Uint32Array(words.buffer, words.byteOffset, words.length * 2);
  const low = new Uint32Array(words.length);
  new Uint8Array(low.buffer).set(bytes.subarray(offset, offset + 4 * words.length));
  const highBits = keptBits(modulus) - 32;
  let at = offset + 4 * words.length;
  let waiting = 0;
  let bits = 0;
  for (let i = 0; i < words.length; i++) {
    let high = waiting;
    let got = bits;
    waiting = 0;
    bits = 0;
    if (got > highBits) {
      // Small parts: several stand in one byte.
      waiting = high >>> highBits;
      bits = got - highBits;
      high &= (1 << highBits) - 1;
      got = highBits;
    }
    for (; highBits - got >= 8; got += 8) high |= bytes[at++]! << got;
    if (got < highBits) {
      const byte = bytes[at++]!;
      const need = highBits - got;
      high |= (byte & ((1 << need) - 1)) << got;
      waiting = byte >>> need;
      bits = 8 - need;
    }
    halves[2 * i] = low[i]!;
    halves[2 * i + 1] = high;
  }
}
