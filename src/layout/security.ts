/**
 * Largest moduli that keep a ring degree secure.
 *
 * Source: Bossuat et al., "Security Guidelines for Implementing Homomorphic Encryption", IACR
 * CiC 1(4), 2025 (ePrint 2024/463), tables for uniform ternary secrets, classical attacks, σ = 3.19.
 * The modulus counted is Q·P, special primes included, because evaluation keys live there.
 */
import { CipherloomError } from '../errors.ts';

export type SecurityTarget = 128 | 192 | 256;
export const securityTargets: readonly SecurityTarget[] = [128, 192, 256];

/** log2 of the largest Q·P, per log2 of the ring degree. */
const maxLogQP: Readonly<Record<number, Readonly<Record<SecurityTarget, number>>>> = {
  11: { 128: 53, 192: 36, 256: 27 },
  12: { 128: 106, 192: 73, 256: 56 },
  13: { 128: 214, 192: 147, 256: 114 },
  14: { 128: 430, 192: 297, 256: 230 },
  15: { 128: 868, 192: 597, 256: 462 },
  16: { 128: 1747, 192: 1199, 256: 929 },
  17: { 128: 3523, 192: 2411, 256: 1866 },
};

/** Ring degrees the table knows, ascending. */
export const ringDegrees: readonly number[] = Object.keys(maxLogQP).map((log) => 2 ** Number(log));

/** Largest ring degree the compiler tries. */
export const largestRingDegree = 65536;

/** Largest log2(Q·P) of a ring degree at a security target, or 0 where the table has none. */
export function maxModulusBits(ringDegree: number, target: SecurityTarget): number {
  return maxLogQP[Math.log2(ringDegree)]?.[target] ?? 0;
}

/** log2 of a positive bigint, to about 2^-50. */
export function log2OfBigInt(value: bigint): number {
  const digits = value.toString(2).length;
  const shift = Math.max(0, digits - 53);
  return Math.log2(Number(value >> BigInt(shift))) + shift;
}

/** Sum of the log2 of all primes, special ones included. */
export function modulusBits(primes: readonly bigint[]): number {
  return primes.reduce((sum, prime) => sum + log2OfBigInt(prime), 0);
}

/**
 * Estimate the security of a modulus in bits.
 *
 * λ ≈ 4.657 x − 28.860 log2 x + 0.8365 log2 N + 90.97 with x = N / log2(QP), less one bit: a fit of
 * 78 lattice-estimator points (N = 2^12 … 2^17, 94 ≤ λ ≤ 263) whose error is at most 0.7 bit.
 * For print only: what is accepted is decided by the table.
 */
export function estimateSecurityBits(ringDegree: number, logQP: number): number {
  const x = ringDegree / logQP;
  const bits = 4.657 * x - 28.86 * Math.log2(x) + 0.8365 * Math.log2(ringDegree) + 90.97 - 1;
  return Math.max(0, Math.round(bits * 10) / 10);
}

/** The highest target whose table row holds `logQP`, or null below 128 bits. */
export function securityLevel(ringDegree: number, logQP: number): SecurityTarget | null {
  const met = securityTargets.filter((target) => logQP <= maxModulusBits(ringDegree, target));
  return met.at(-1) ?? null;
}

/** The bits to report: the level that the table grants, or the estimate where that is more. */
export function achievedSecurityBits(ringDegree: number, logQP: number): number {
  return Math.max(securityLevel(ringDegree, logQP) ?? 0, estimateSecurityBits(ringDegree, logQP));
}

/**
 * Refuse a modulus above the table.
 *
 * Throws PARAMETERS_INSECURE with the ring degree, log2(QP) and the limit.
 */
export function requireSecurity(ringDegree: number, logQP: number, target: SecurityTarget): void {
  const limit = maxModulusBits(ringDegree, target);
  if (logQP <= limit) return;
  throw new CipherloomError(
    'PARAMETERS_INSECURE',
    `log2(QP) = ${logQP.toFixed(2)} at ring degree ${ringDegree} is above ${limit}, the limit for ${target} bits`,
    {
      details: {
        ringDegree,
        logQP,
        limit,
        target,
        estimatedBits: logQP > 0 ? estimateSecurityBits(ringDegree, logQP) : null,
      },
      hint: 'use a larger --ring-degree or fewer --prime-bits; --insecure compiles anyway and stamps every artefact',
    },
  );
}
