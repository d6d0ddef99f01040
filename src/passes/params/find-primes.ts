/** Moduli of a ring: primes that are 1 modulo 2N, so that the transform of degree N exists. */
import { CipherloomError } from '../../errors.ts';
import { isPrime } from './is-prime.ts';

/** SEAL's coefficient moduli have at most 60 bits. */
const largestModulus = 2n ** 60n;

/**
 * Find primes ≡ 1 (mod 2 · ringDegree) closest to 2^bits, closest first; of two equally close ones
 * the smaller comes first.
 *
 * `below` bounds them (exclusive, at most 2^60): 2^bits keeps every one under a power of two.
 * Cost: about bits · ln 2 / 2 candidates a prime.
 * Throws PARAMETERS_INFEASIBLE when fewer than `count` lie in (2^(bits − 1), 2^(bits + 1)).
 */
export function findPrimes(
  bits: number,
  count: number,
  ringDegree: number,
  exclude: Iterable<bigint> = [],
  below: bigint = largestModulus,
): bigint[] {
  const step = BigInt(2 * ringDegree);
  const target = 1n << BigInt(bits);
  const least = target >> 1n;
  const end = [target << 1n, below, largestModulus].reduce((a, b) => (a < b ? a : b));
  const taken = new Set(exclude);
  const found: bigint[] = [];
  // Candidates are 1 + k · step; `low` walks down from the target and `high` up.
  let low = target - (target % step) + 1n;
  if (low > target) low -= step;
  let high = low + step;
  while (found.length < count && (low > least || high < end)) {
    const takeLow = low > least && (high >= end || target - low <= high - target);
    const candidate = takeLow ? low : high;
    if (takeLow) low -= step;
    else high += step;
    if (candidate < end && !taken.has(candidate) && isPrime(candidate)) found.push(candidate);
  }
  if (found.length < count) {
    throw new CipherloomError(
      'PARAMETERS_INFEASIBLE',
      `there are ${found.length} usable primes of about ${bits} bits for ring degree ${ringDegree}, ${count} are needed`,
      {
        phase: 'ckks',
        details: { bits, ringDegree, found: found.length, count },
        hint: 'ask for larger --prime-bits or a smaller --ring-degree',
      },
    );
  }
  return found;
}
