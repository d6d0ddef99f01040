/**
 * DISCLAIMER: toy parameters. They exercise the code on a ring that starts quickly and protect
 * nothing.
 */
import type { SealParameters } from '../../src/seal/index.ts';

function powMod(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n;
  let square = base % modulus;
  for (let e = exponent; e > 0n; e >>= 1n) {
    if (e & 1n) result = (result * square) % modulus;
    square = (square * square) % modulus;
  }
  return result;
}

/** Miller–Rabin with the bases that decide every number below 3.3 · 10^24. */
export function isPrime(n: bigint): boolean {
  const bases = [2n, 3n, 5n, 7n, 11n, 13n, 17n, 19n, 23n, 29n, 31n, 37n, 41n];
  if (bases.includes(n)) return true;
  if (n < 2n || bases.some((p) => n % p === 0n)) return false;
  let d = n - 1n;
  let s = 0;
  while (d % 2n === 0n) {
    d /= 2n;
    s++;
  }
  return bases.every((base) => {
    let x = powMod(base, d, n);
    if (x === 1n || x === n - 1n) return true;
    for (let i = 1; i < s; i++) {
      x = (x * x) % n;
      if (x === n - 1n) return true;
    }
    return false;
  });
}

/** The largest primes ≡ 1 modulo 2N below 2^bits, one per entry of `bits`, all different. */
export function findPrimes(ringDegree: number, bits: readonly number[]): bigint[] {
  const found: bigint[] = [];
  const step = BigInt(2 * ringDegree);
  for (const size of bits) {
    let candidate = (1n << BigInt(size)) - step + 1n;
    while (found.includes(candidate) || !isPrime(candidate)) candidate -= step;
    found.push(candidate);
  }
  return found;
}

/** Parameters with the given sizes; special primes have 50 bits. */
export function toyParameters(
  ringDegree: number,
  bits: readonly number[],
  specialPrimes = 1,
): SealParameters {
  const all = findPrimes(ringDegree, [...bits, ...Array.from({ length: specialPrimes }, () => 50)]);
  return {
    ringDegree,
    primes: all.slice(0, bits.length),
    specialPrimes: all.slice(bits.length),
  };
}

/** The bytes 0, 1, 2, … in hex: a plan hash nobody computes. */
export const toyPlanHash = Array.from({ length: 32 }, (_, i) =>
  i.toString(16).padStart(2, '0'),
).join('');

/** Numbers in −1 … 1 from a fixed generator (mulberry32). */
export function toyVector(length: number, seed = 1): Float64Array {
  let state = seed;
  return Float64Array.from({ length }, () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 31 - 1;
  });
}

/** log2 of the largest difference. */
export function worstBits(got: ArrayLike<number>, expected: ArrayLike<number>): number {
  let worst = 0;
  for (let i = 0; i < expected.length; i++) {
    worst = Math.max(worst, Math.abs((got[i] ?? NaN) - (expected[i] ?? NaN)));
  }
  return Math.log2(worst);
}

/** Collect a stream of pieces. */
export async function collect(
  pieces: AsyncIterable<Uint8Array<ArrayBuffer>>,
): Promise<Uint8Array<ArrayBuffer>> {
  const all: Uint8Array<ArrayBuffer>[] = [];
  for await (const piece of pieces) all.push(piece);
  const bytes = new Uint8Array(all.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of all) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}
