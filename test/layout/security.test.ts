import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  estimateSecurityBits,
  log2OfBigInt,
  maxModulusBits,
  modulusBits,
  requireSecurity,
  ringDegrees,
  securityLevel,
  securityTargets,
} from '../../src/layout/security.ts';
import { errorOf } from '../support/error-of.ts';

/** Tables of the 2024 guidelines (ePrint 2024/463): N, then log2(QP) for 128, 192 and 256 bits. */
const guideline = [
  [2048, 53, 36, 27],
  [4096, 106, 73, 56],
  [8192, 214, 147, 114],
  [16384, 430, 297, 230],
  [32768, 868, 597, 462],
  [65536, 1747, 1199, 929],
  [131072, 3523, 2411, 1866],
] as const;

describe('the table', () => {
  it.each(guideline)('N = %i', (ringDegree, ...limits) => {
    securityTargets.forEach((target, k) => {
      const limit = limits[k]!;
      expect(maxModulusBits(ringDegree, target)).toBe(limit);
      expect(() => {
        requireSecurity(ringDegree, limit, target);
      }).not.toThrow();
      expect(() => {
        requireSecurity(ringDegree, limit + 1, target);
      }).toThrow(expect.objectContaining({ code: 'PARAMETERS_INSECURE', exit: 6 }));
      // Not even a part of a bit is given away.
      expect(() => {
        requireSecurity(ringDegree, limit + 1e-9, target);
      }).toThrow(String(limit));
      expect(securityLevel(ringDegree, limit)).toBe(target);
    });
    expect(securityLevel(ringDegree, limits[0] + 1)).toBeNull();
  });

  it('lists the ring degrees', () => {
    expect(ringDegrees).toEqual(guideline.map(([ringDegree]) => ringDegree));
  });

  it.each([0, 1, 1024, 3000, 8191, 262144, NaN, -8192])(
    'has no row for N = %d: everything is refused',
    (ringDegree) => {
      expect(maxModulusBits(ringDegree, 128)).toBe(0);
      expect(() => {
        requireSecurity(ringDegree, 1, 128);
      }).toThrow(expect.objectContaining({ code: 'PARAMETERS_INSECURE' }));
      expect(securityLevel(ringDegree, 1)).toBeNull();
    },
  );

  it('names the figures it compared and a way out', () => {
    const error = errorOf(() => {
      requireSecurity(8192, 215, 128);
    });
    expect(error.details).toMatchObject({ ringDegree: 8192, logQP: 215, limit: 214, target: 128 });
    expect(error.hint).toContain('--insecure');
  });

  it('counts special primes: any chain is refused just when its sum exceeds the row', () => {
    const bits = fc.integer({ min: 20, max: 60 });
    const chains = fc.array(bits, { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(chains, fc.constantFrom(...guideline), (sizes, [ringDegree, limit]) => {
        // Just below 2^bits, as primes of chains are.
        const primes = sizes.map((size) => 2n ** BigInt(size) - 1n);
        const total = modulusBits(primes);
        const product = primes.reduce((a, b) => a * b, 1n);
        const fits = product <= 2n ** BigInt(limit);
        if (fits)
          expect(() => {
            requireSecurity(ringDegree, total, 128);
          }).not.toThrow();
        else
          expect(() => {
            requireSecurity(ringDegree, total, 128);
          }).toThrow();
        expect(securityLevel(ringDegree, total) !== null).toBe(fits);
      }),
      { numRuns: 400, seed: 1 },
    );
  });
});

describe('the estimate', () => {
  it.each([
    // λ ≈ 4.657 x − 28.860 log2 x + 0.8365 log2 N + 90.97, worked for three points; one bit is deducted.
    [8192, 200, 138],
    [16384, 390, 142.7],
    [32768, 600, 191],
  ])('N = %i, log2(QP) = %d: %d bits', (ringDegree, logQP, bits) => {
    expect(Math.abs(estimateSecurityBits(ringDegree, logQP) + 1 - bits)).toBeLessThanOrEqual(0.5);
  });

  it.each(guideline.slice(1))(
    'is near 128, 192, 256 at the limits of N = %i',
    (ringDegree, ...limits) => {
      securityTargets.forEach((target, k) => {
        const bits = estimateSecurityBits(ringDegree, limits[k]!);
        // The fit is off by 0.7 at most, the table by the granularity of whole bits of QP.
        expect(bits).toBeGreaterThan(target - 2);
        expect(bits).toBeLessThan(target + 7);
      });
    },
  );

  it('falls as the modulus grows', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...guideline.slice(1)),
        fc.double({ min: 0.4, max: 1, noNaN: true }),
        ([ringDegree, limit], part) => {
          const small = estimateSecurityBits(ringDegree, limit * part);
          expect(small).toBeGreaterThanOrEqual(estimateSecurityBits(ringDegree, limit));
        },
      ),
    );
  });
});

describe('log2OfBigInt', () => {
  it('is right to 2^-45 for powers of two and their neighbours', () => {
    for (const bits of [1, 20, 52, 53, 54, 60, 200, 1747, 3523]) {
      const power = 2n ** BigInt(bits);
      expect(log2OfBigInt(power)).toBe(bits);
      expect(Math.abs(log2OfBigInt(power - 1n) - bits)).toBeLessThan(2 ** -Math.min(45, bits - 2));
      expect(log2OfBigInt(power - 1n)).toBeLessThanOrEqual(bits);
    }
  });
});
