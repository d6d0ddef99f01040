import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { keyDigits } from '../../src/layout/key-digits.ts';
import { maxModulusBits, modulusBits } from '../../src/layout/security.ts';
import { keySwitchSeconds, profiles } from '../../src/passes/cost/profile.ts';
import { keySwitchError } from '../../src/passes/noise/estimate.ts';
import { compileOptionsSchema } from '../../src/passes/options.ts';
import {
  chooseChain,
  fittingSharedBits,
  fittingWaterlineBits,
} from '../../src/passes/params/chain.ts';
import { isPrime } from '../../src/passes/params/is-prime.ts';
import { specialPrimeCounts } from '../../src/passes/params/special-primes.ts';
import { errorOf } from '../support/error-of.ts';

const native = compileOptionsSchema.parse({ target: 'native', precisionBits: 4 });

describe('digits of a key', () => {
  it('are consecutive groups of primes, together all of them', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 40 }), (primes, k) => {
        const digits = keyDigits(primes, k);
        expect(digits.flatMap(({ first, end }) => range(first, end))).toEqual(range(0, primes));
        for (const [j, { first, end }] of digits.entries()) {
          expect(first).toBe(j * k);
          expect(end - first).toBeLessThanOrEqual(k);
        }
        // A value with fewer primes has the first digits of the key, the last of them cut off.
        const fewer = keyDigits(Math.ceil(primes / 2), k);
        for (const [j, { first, end }] of fewer.entries()) {
          expect(digits[j]?.first).toBe(first);
          expect(digits[j]?.end).toBeGreaterThanOrEqual(end);
        }
      }),
    );
  });
});

describe('a chain with several special primes', () => {
  it('has a product of them above every digit, inside the table', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 12 }),
        fc.integer({ min: 2, max: 6 }),
        fc.integer({ min: 0, max: 4 }),
        fc.constantFrom(16384, 32768, 65536),
        (levels, specialCount, headroomBits, ringDegree) => {
          fc.pre(specialCount <= levels + 1);
          const room = [levels, ringDegree, native, headroomBits, specialCount] as const;
          fc.pre(fittingWaterlineBits(...room) > 20);
          const { modulus } = chooseChain(levels, {
            ringDegree,
            options: native,
            headroomBits,
            specialPrimes: specialCount,
          });
          const { primes, specialPrimes } = modulus;
          const all = [...primes, ...specialPrimes];
          expect(primes).toHaveLength(levels + 1);
          expect(specialPrimes).toHaveLength(specialCount);
          expect(new Set(all).size).toBe(all.length);
          for (const prime of all) {
            expect(isPrime(prime)).toBe(true);
            expect(prime % BigInt(2 * ringDegree)).toBe(1n);
            expect(prime).toBeLessThan(2n ** 50n);
          }
          expect(modulusBits(all)).toBeLessThanOrEqual(maxModulusBits(ringDegree, 128));
          const special = modulusBits(specialPrimes);
          for (const { first, end } of keyDigits(primes.length, specialCount)) {
            expect(special).toBeGreaterThan(modulusBits(primes.slice(first, end)) + 3.99);
          }
          // So a key switch adds little more than the rounding of a division does.
          const [scale, n] = [2 ** 40, ringDegree];
          const rounding = (n * ((1 + (2 * n) / 3) / 12)) / (2 * scale * scale);
          const { variance, worst } = keySwitchError(modulus, levels, scale);
          expect(variance).toBeGreaterThan(rounding);
          expect(variance).toBeLessThan(1.25 * rounding);
          expect(worst).toBe(0);
        },
      ),
      { numRuns: 60, seed: 1 },
    );
  });

  it('has the error N σ² Σ D² / 12 / P² and the rounding', () => {
    const modulus = {
      ringDegree: 8192,
      primes: [3n, 5n, 7n].map((p) => p << 40n),
      specialPrimes: [11n << 38n, 13n << 38n],
    };
    const p = 11 * 13 * 2 ** 76;
    const squares = (15 * 2 ** 80) ** 2 + (7 * 2 ** 40) ** 2;
    const rounding = (1 + (8192 * 2) / 3) / 12;
    const coefficient = (8192 * 10.5 * squares) / 12 / p ** 2 + rounding;
    const { variance } = keySwitchError(modulus, 2, 2 ** 30);
    expect(variance / ((8192 * coefficient) / 2 ** 61)).toBeCloseTo(1, 12);
  });

  it('--prime-bits lists special primes after one data prime a level, for the native target alone', () => {
    const primeBits = [42, 40, 40, 42, 43];
    const given = compileOptionsSchema.parse({ target: 'native', primeBits });
    const { modulus } = chooseChain(2, { ringDegree: 16384, options: given });
    expect(modulus.primes.map(bitsOf)).toEqual([42, 40, 40]);
    expect(modulus.specialPrimes.map(bitsOf)).toEqual([42, 43]);
    const portable = compileOptionsSchema.parse({ primeBits });
    const error = errorOf(() => chooseChain(2, { ringDegree: 16384, options: portable }));
    expect(error.code).toBe('PARAMETERS_INVALID');
    const many = compileOptionsSchema.parse({
      target: 'native',
      primeBits: [...primeBits, 43, 43],
    });
    expect(errorOf(() => chooseChain(2, { ringDegree: 16384, options: many })).code).toBe(
      'PARAMETERS_INVALID',
    );
  });
});

describe('the number of special primes', () => {
  const sevenLevels = { levels: 7, shared: 0, weights: 'vectors' } as const;
  const switches = [
    { primes: 8, count: 60 },
    { primes: 4, count: 20 },
  ];

  it('is one for a portable plan', () => {
    const portable = compileOptionsSchema.parse({ precisionBits: 4 });
    expect(specialPrimeCounts(switches, sevenLevels, 32768, portable)).toEqual([1]);
  });

  it('is any that fits where rescales are shared: with one, primes have fewer bits for weights', () => {
    const shared = { levels: 5, shared: 4, weights: 'numbers' } as const;
    const one = [{ primes: 5, count: 1 }];
    const coarse = compileOptionsSchema.parse({ target: 'native', precisionBits: 5 });
    const alone = specialPrimeCounts(one, { ...shared, shared: 0 }, 16384, coarse);
    const counts = specialPrimeCounts(one, shared, 16384, coarse);
    expect(counts).toEqual(expect.arrayContaining([1, 2, 3]));
    expect(counts.length).toBeGreaterThan(alone.length);
    const waterlines = [1, 3].map((n) => fittingSharedBits(shared, 16384, coarse, 0, n));
    expect(waterlines[1]).toBeGreaterThan(waterlines[0]!);
  });

  it('is the one with smaller keys of two about as fast, then the cheapest, and one at last', () => {
    const levels = { ...sevenLevels, levels: 23 };
    const many = [{ primes: 24, count: 60 }, ...switches];
    const counts = specialPrimeCounts(many, levels, 65536, native);
    const cost = (special: number): number =>
      many.reduce(
        (sum, { primes, count }) =>
          sum + count * keySwitchSeconds(profiles.native, 65536, primes, special),
        0,
      );
    expect(counts.length).toBeGreaterThan(2);
    expect(counts.at(-1)).toBe(1);
    const [first = NaN, ...rest] = counts.map(cost);
    expect(rest).toEqual([...rest].sort((a, b) => a - b));
    const close = counts.filter((special) => cost(special) <= 1.05 * Math.min(first, ...rest));
    expect(close.length).toBeGreaterThan(1);
    const residues = (special: number): number => keyDigits(24, special).length * (24 + special);
    expect(counts[0]).toBe(close.reduce((a, b) => (residues(b) < residues(a) ? b : a)));
    // Keys that are not switched cannot be smaller.
    expect(specialPrimeCounts([], levels, 65536, native)).toEqual([1]);
    expect(specialPrimeCounts([{ primes: 24, count: 0 }], levels, 65536, native)).toEqual([1]);
    // 8192 holds 214 bits: too few for seven levels with 12 bits of precision.
    const precise = compileOptionsSchema.parse({ target: 'native' });
    expect(specialPrimeCounts(switches, sevenLevels, 8192, precise)).toEqual([1]);
  });
});

function range(first: number, end: number): number[] {
  return Array.from({ length: end - first }, (_, i) => first + i);
}

function bitsOf(prime: bigint): number {
  return prime.toString(2).length;
}
