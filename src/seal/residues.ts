/** Checks over polynomials stored residue by residue, as SEAL does: [modulus][coefficient]. */

/**
 * Find the first coefficient that is not below its modulus.
 *
 * ASSUME: little-endian, as every platform with WebAssembly in practice; the 64-bit words are
 * compared in halves because BigInt arithmetic is fifty times slower.
 *
 * Shapes  words [k · moduli.length · ringDegree] 64-bit
 * Returns the index of the word, or −1
 */
export function findUnreduced(
  words: BigUint64Array,
  ringDegree: number,
  moduli: readonly bigint[],
): number {
  const halves = new Uint32Array(words.buffer, words.byteOffset, words.length * 2);
  for (let start = 0, j = 0; start < words.length; start += ringDegree, j++) {
    const modulus = moduli[j % moduli.length] ?? 0n;
    const low = Number(modulus & 0xffffffffn);
    const high = Number(modulus >> 32n);
    for (let i = start; i < start + ringDegree; i++) {
      const top = halves[2 * i + 1]!;
      if (top > high || (top === high && halves[2 * i]! >= low)) return i;
    }
  }
  return -1;
}

/** Whether every word is zero. */
export function isZero(words: BigUint64Array): boolean {
  const halves = new Uint32Array(words.buffer, words.byteOffset, words.length * 2);
  return halves.every((half) => half === 0);
}

/** The 64-bit words of a byte range, copied so that they are aligned. */
export function wordsOf(
  bytes: Uint8Array,
  offset: number,
  count: number,
): BigUint64Array<ArrayBuffer> {
  const words = new BigUint64Array(count);
  new Uint8Array(words.buffer).set(bytes.subarray(offset, offset + 8 * count));
  return words;
}

/** The bytes of 64-bit words, shared. */
export function bytesOfWords(words: BigUint64Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
}
