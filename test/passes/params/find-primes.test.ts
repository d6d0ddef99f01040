import { describe, expect, it } from 'vitest';
import { findPrimes } from '../../../src/passes/params/find-primes.ts';
import { isPrime } from '../../../src/passes/params/is-prime.ts';

describe('isPrime', () => {
  it('agrees with a sieve below 20,000', () => {
    const composite = new Uint8Array(20_000);
    for (let n = 2; n * n < composite.length; n++) {
      for (let m = n * n; m < composite.length; m += n) composite[m] = 1;
    }
    for (let n = 0; n < composite.length; n++) {
      expect(isPrime(BigInt(n)), String(n)).toBe(n >= 2 && composite[n] === 0);
    }
  });

  it('knows large primes, and pseudoprimes to several bases', () => {
    expect(isPrime(2n ** 61n - 1n)).toBe(true);
    expect(isPrime(1152921504606830593n)).toBe(true); // SEAL's 60-bit prime for N = 4096
    expect(isPrime(3215031751n)).toBe(false); // strong pseudoprime to 2, 3, 5, 7
    expect(isPrime(3825123056546413051n)).toBe(false); // … to the first nine primes
    expect(isPrime((2n ** 30n - 35n) * (2n ** 29n - 3n))).toBe(false);
  });
});

describe('findPrimes', () => {
  it('lists the nearest first, each fit for the transform', () => {
    const ringDegree = 8192;
    const primes = findPrimes(40, 8, ringDegree);
    const distances = primes.map((prime) => {
      const distance = prime - 2n ** 40n;
      return distance < 0n ? -distance : distance;
    });
    expect(new Set(primes).size).toBe(8);
    expect(distances).toEqual(distances.toSorted((a, b) => (a < b ? -1 : 1)));
    for (const prime of primes) {
      expect(prime % BigInt(2 * ringDegree)).toBe(1n);
      expect(isPrime(prime)).toBe(true);
    }
    // Nothing nearer was passed over.
    const farthest = distances.at(-1) ?? 0n;
    const step = BigInt(2 * ringDegree);
    let nearer = 0;
    for (let k = 2n ** 40n + 1n - farthest; k < 2n ** 40n + farthest; k++) {
      if (k % step !== 1n) continue;
      for (let candidate = k; candidate < 2n ** 40n + farthest; candidate += step) {
        if (isPrime(candidate)) nearer++;
      }
      break;
    }
    expect(nearer).toBe(7);
  }, 60_000);

  it('leaves out what is excluded, and stays below a bound', () => {
    const [first, second] = findPrimes(45, 2, 16384);
    expect(findPrimes(45, 1, 16384, [first!])).toEqual([second]);
    for (const prime of findPrimes(60, 4, 32768)) expect(prime < 2n ** 60n).toBe(true);
    for (const prime of findPrimes(49, 4, 32768, [], 2n ** 49n)) {
      expect(prime < 2n ** 49n).toBe(true);
    }
  });

  it('says when there are not enough', () => {
    expect(() => findPrimes(20, 100, 32768)).toThrow(
      expect.objectContaining({ code: 'PARAMETERS_INFEASIBLE' }) as Error,
    );
  });
});
