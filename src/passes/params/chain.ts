/** The modulus chain for a number of levels at a ring degree. */
import { CipherloomError } from '../../errors.ts';
import type { Modulus } from '../../ir/program.ts';
import { keyDigits } from '../../layout/key-digits.ts';
import {
  log2OfBigInt,
  maxModulusBits,
  modulusBits,
  requireSecurity,
} from '../../layout/security.ts';
import type { PassContext } from '../define-pass.ts';
import type { CompileOptions } from '../options.ts';
import { findPrimes } from './find-primes.ts';

/** Primes stay below 2^50 so that 52-bit multipliers apply. */
const maxSpecialBits = 49;
/** Largest waterline: what the bits above it leave under the special prime. */
const maxWaterlineBits = 39;
/** Below this not even a value of 1 is told from the rounding error of a rescale. */
const minWaterlineBits = 20;
/** Bits that a program loses at least beyond the rounding error of one rescale. */
const programLossBits = 4;
/** Bits of q_0 above the waterline: the sign and one bit of message. */
const baseExtraBits = 2;
/**
 * Bits of the special prime above the largest data prime. SEAL's uncentred digits put an error of
 * D · N/(πP) · σ√N into a few slots; 2^-8 of D/P keeps it near the rounding error of a rescale.
 */
const portableExtraBits = 8;
/**
 * Bits of P above the largest digit where there are several special primes. Digits are centred then:
 * their error is 16 σ² (D/P)² of the rounding error of a division by P, a fifteenth at 2^-4.
 */
const hybridExtraBits = 4;

function extraBits(specialPrimes: number): number {
  return specialPrimes === 1 ? portableExtraBits : hybridExtraBits;
}

export interface Chain {
  readonly modulus: Modulus;
  /** log2 of the waterline scale. */
  readonly waterlineBits: number;
}

/**
 * log2 of the waterline that a chain is made for: the size of its smallest inner prime in whole bits,
 * or what q_0 leaves room for where there is none.
 */
export function waterlineBitsOf({ primes }: Modulus, headroomBits = 0): number {
  const [base = 1n, ...middle] = primes;
  const bits = (prime: bigint): number => Math.round(log2OfBigInt(prime));
  return middle.length === 0
    ? bits(base) - baseExtraBits - headroomBits
    : Math.min(...middle.map(bits));
}

/** Waterline bits that fit, by sizes alone; 0 where none does. */
export function fittingWaterlineBits(
  levels: number,
  ringDegree: number,
  options: CompileOptions,
  headroomBits = 0,
  specialPrimes = 1,
): number {
  const budget = maxModulusBits(ringDegree, options.security);
  // Of q_0, and of the special primes above the digit that it is in.
  const fixed = 2 * (baseExtraBits + headroomBits) + extraBits(specialPrimes);
  const bits = Math.floor((budget - fixed) / (levels + 1 + specialPrimes));
  const most = Math.min(bits, maxWaterlineBits);
  return most >= leastWaterlineBits(ringDegree, options) && 2 ** most > 4 * ringDegree ? most : 0;
}

/** log2 of the slot error that a rescale leaves at scale 1: √(N R / 2) with R = (1 + 2N/3) / 12. */
function roundingBits(ringDegree: number): number {
  return 0.5 * Math.log2((ringDegree * (1 + (2 * ringDegree) / 3)) / 24);
}

/** Waterline bits below which the asked precision is out of reach. */
function leastWaterlineBits(ringDegree: number, options: CompileOptions): number {
  const least = Math.ceil(options.precisionBits + roundingBits(ringDegree) + programLossBits);
  return Math.max(minWaterlineBits, least);
}

/** Bits of precision that the largest waterline has at a ring degree, at most. */
export function reachablePrecisionBits(ringDegree: number): number {
  return Math.floor(maxWaterlineBits - roundingBits(ringDegree) - programLossBits);
}

/**
 * Choose primes: q_0 two bits and the headroom above the waterline, one prime near the waterline per
 * level, and special primes whose product is above the largest digit.
 *
 * Throws PARAMETERS_INFEASIBLE, PARAMETERS_INVALID or PARAMETERS_INSECURE (exit 4, 2, 6).
 */
export function chooseChain(
  levels: number,
  {
    ringDegree,
    options,
    headroomBits = 0,
    specialPrimes: specialCount = 1,
  }: Pick<PassContext, 'ringDegree' | 'options' | 'headroomBits' | 'specialPrimes'>,
): Chain {
  if (options.primeBits !== null) return givenChain(levels, ringDegree, options, options.primeBits);
  const budget = maxModulusBits(ringDegree, options.security);
  for (
    let bits = fittingWaterlineBits(levels, ringDegree, options, headroomBits, specialCount);
    bits >= minWaterlineBits;
    bits--
  ) {
    const middle = levels > 0 ? findPrimes(bits, levels, ringDegree) : [];
    const baseBits = bits + baseExtraBits + headroomBits;
    const [base = 0n] = findPrimes(baseBits, 1, ringDegree, middle);
    const primes = [base, ...middle];
    const specialBits =
      specialCount === 1
        ? Math.min(maxSpecialBits, Math.floor(budget - modulusBits(primes) - 0.01))
        : Math.ceil((largestDigitBits(primes, specialCount) + hybridExtraBits) / specialCount);
    if (specialCount === 1 && specialBits < baseBits + portableExtraBits) continue;
    if (specialBits > maxSpecialBits) continue;
    const specialPrimes = findPrimes(specialBits, specialCount, ringDegree, primes);
    const modulus = { ringDegree, primes, specialPrimes };
    const total = modulusBits([...primes, ...specialPrimes]);
    if (total > budget) continue;
    requireSecurity(ringDegree, total, options.security);
    return { modulus, waterlineBits: waterlineBitsOf(modulus, headroomBits) };
  }
  throw new CipherloomError(
    'PARAMETERS_INFEASIBLE',
    `${levels} levels of at least ${minWaterlineBits} bits do not fit log2(QP) ≤ ${budget} at ring degree ${ringDegree}`,
    {
      phase: 'ckks',
      details: { levels, ringDegree, maxLogQP: budget },
      hint: `--ring-degree ${ringDegree * 2}, or a smaller --activation-degree`,
    },
  );
}

/** log2 of the largest product of the primes of a digit. */
function largestDigitBits(primes: readonly bigint[], specialPrimes: number): number {
  const digits = keyDigits(primes.length, specialPrimes);
  return Math.max(...digits.map(({ first, end }) => modulusBits(primes.slice(first, end))));
}

/**
 * The chain that --prime-bits asks for: data primes from q_0 on, then the special prime, for the
 * native target as many as are left.
 */
function givenChain(
  levels: number,
  ringDegree: number,
  options: CompileOptions,
  primeBits: readonly number[],
): Chain {
  const wrong = primeBits.find((bits) => bits < 20 || bits > 60);
  if (wrong !== undefined) {
    throw new CipherloomError(
      'PARAMETERS_INVALID',
      `--prime-bits ${wrong}: a prime has 20 to 60 bits`,
      {
        phase: 'ckks',
        details: { bits: wrong, min: 20, max: 60 },
        hint: `--prime-bits with ${Math.min(60, Math.max(20, wrong))} in its place, or without --prime-bits: the compiler chooses`,
      },
    );
  }
  const needed = levels + 2;
  // As many special primes as data primes leave one digit; more are of no use.
  const most = options.target === 'native' ? 2 * (levels + 1) : needed;
  if (primeBits.length < needed || primeBits.length > most) {
    const code = primeBits.length < needed ? 'LEVELS_EXHAUSTED' : 'PARAMETERS_INVALID';
    throw new CipherloomError(
      code,
      `--prime-bits lists ${primeBits.length} primes; the model's ${levels} levels need ${needed} (q_0, one per level, the special prime)`,
      {
        phase: 'ckks',
        details: { given: primeBits.length, needed, levels },
        hint: `give ${needed} sizes, or none: the compiler chooses`,
      },
    );
  }
  const primes: bigint[] = [];
  // Primes of equal size are taken nearest to 2^bits first, in the order listed; below 2^bits, so that
  // sizes that add up to the limit of the security table never exceed it.
  for (const bits of primeBits) {
    primes.push(...findPrimes(bits, 1, ringDegree, primes, 1n << BigInt(bits)));
  }
  const specialPrimes = primes.splice(levels + 1);
  const logQP = modulusBits([...primes, ...specialPrimes]);
  if (!options.insecure) requireSecurity(ringDegree, logQP, options.security);
  const modulus = { ringDegree, primes, specialPrimes };
  return { modulus, waterlineBits: waterlineBitsOf(modulus) };
}
