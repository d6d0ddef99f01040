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
import { encodingVariance } from '../noise/primitives.ts';
import { findPrimes } from './find-primes.ts';
import { noSharedLevels } from './shared-rescales.ts';
import type { SharedLevels, WeightKind } from './shared-rescales.ts';

/** Primes stay below 2^50 so that 52-bit multipliers apply. */
const maxSpecialBits = 49;
/** Largest waterline: what the bits above it leave under the special prime. */
const maxWaterlineBits = 39;
/** Below this not even a value of 1 is told from the rounding error of a rescale. */
const minWaterlineBits = 20;
/** Bits that a program loses at least beyond the rounding error of one rescale. */
const programLossBits = 4;
/**
 * Primes of so many bits stay below their power of two: products with the weights of a batch take one
 * multiplication there (`NARROW_BITS` of `native/ring/src/matrix.rs`).
 */
const narrowBits = 29;
/** Bits of q_0 above the waterline: the sign and one bit of message. */
const baseExtraBits = 2;
/**
 * Bits of the special prime above the data primes but q_0. SEAL's uncentred digits put an error of
 * D · N/(πP) · σ√N into a few slots; 2^-8 of D/P keeps it near the rounding error of a rescale.
 */
const portableExtraBits = 8;
/** The same above q_0, one digit of many: its headroom is no error of the others. */
const portableBaseExtraBits = 6;
/**
 * Bits of P above the largest digit where there are several special primes. Digits are centred then:
 * their error is 16 σ² (D/P)² of the rounding error of a division by P, a fifteenth at 2^-4.
 */
const hybridExtraBits = 4;

/**
 * Bits that a program loses for each product that shares its rescale, as folded arguments reach 2: so that
 * plans which would miss their precision are not tried.
 */
const sharedLossBits = 2;
/**
 * Bits by which a row of rounded weights outweighs the rounding of a rescale where each of its weights
 * weighs as much: the bits that errors of a row gain, less what the heavier tail of a rescale takes.
 */
const rowBits = 1;

/** Bits of the only special prime at least, above q_0 and the other data primes. */
function leastSpecialBits(baseBits: number, dataBits: number): number {
  return Math.max(baseBits + portableBaseExtraBits, dataBits + portableExtraBits);
}

/** Bits of P above q_0, where other data primes have no headroom. */
function extraBits(specialPrimes: number): number {
  return specialPrimes === 1 ? portableBaseExtraBits : hybridExtraBits;
}

export interface Chain {
  readonly modulus: Modulus;
  /** log2 of the waterline scale. */
  readonly waterlineBits: number;
}

/**
 * log2 of the waterline that a chain is made for: the size of its smallest inner prime in whole bits,
 * or what q_0 leaves room for where inner primes hold weights besides, or there are none.
 */
export function waterlineBitsOf(
  { primes }: Modulus,
  headroomBits = 0,
  { levels: shared }: SharedLevels = noSharedLevels,
): number {
  const [base = 1n] = primes;
  const middle = primes.filter((_, level) => level > 0 && !shared.has(level));
  const bits = (prime: bigint): number => Math.round(log2OfBigInt(prime));
  const left = bits(base) - baseExtraBits - headroomBits;
  return middle.length < primes.length - 1 || middle.length === 0
    ? Math.min(left, ...middle.map(bits))
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

/** How many levels a chain has, and how many of them hold weights besides. */
export interface LevelCounts {
  readonly levels: number;
  readonly shared: number;
  readonly weights: WeightKind;
}

/**
 * Waterline bits for a chain with shared levels, by sizes alone; 0 where none fits.
 *
 * The largest at which the rounding of weights weighs no more than that of a rescale. Beyond it, up to
 * what the asked precision takes, primes below 2^50 leave the weights fewer bits.
 */
export function fittingSharedBits(
  { levels, shared, weights }: LevelCounts,
  ringDegree: number,
  options: CompileOptions,
  headroomBits = 0,
  specialPrimes = 1,
): number {
  if (shared === 0)
    return fittingWaterlineBits(levels, ringDegree, options, headroomBits, specialPrimes);
  const budget = maxModulusBits(ringDegree, options.security);
  const least = leastWaterlineBits(ringDegree, options) + sharedLossBits * shared;
  const most = largestDataBits(specialPrimes);
  const balanced = Math.floor((most + gapBits(ringDegree, weights)) / 2);
  for (let bits = Math.max(balanced, least); bits >= least && 2 ** bits > 4 * ringDegree; bits--) {
    const prime = sharedPrimeBits(bits, ringDegree, weights, specialPrimes);
    const weightBits = prime - bits;
    if (weightBits < leastWeightBits(ringDegree, options, weights)) continue;
    const base = bits + baseExtraBits + headroomBits;
    const data = base + shared * prime + (levels - shared) * bits;
    // The largest digit has the largest primes there are.
    const [alike, others] = [Math.min(shared, specialPrimes), Math.max(0, specialPrimes - shared)];
    const digit = alike * prime + others * bits;
    const special =
      specialPrimes === 1 ? leastSpecialBits(base, prime) : Math.max(base, digit) + hybridExtraBits;
    if (data + special <= budget) return bits;
  }
  return 0;
}

/** Bits that data primes may have for special primes above their digits to stay below 2^50. */
function largestDataBits(specialPrimes: number): number {
  return maxSpecialBits - (specialPrimes === 1 ? portableExtraBits : 1);
}

/** log2 of the error of a slot by the rounding of one plaintext at scale 1. */
function encodingBits(ringDegree: number, weights: WeightKind): number {
  return 0.5 * Math.log2(encodingVariance(ringDegree, 1, weights === 'numbers'));
}

/** Bits that weights may have fewer than the waterline: a rescale leaves a larger error than their rounding. */
function gapBits(ringDegree: number, weights: WeightKind): number {
  return Math.floor(roundingBits(ringDegree) - encodingBits(ringDegree, weights) - rowBits);
}

/** Bits of a prime that brings a product, times weights, back to the waterline. */
function sharedPrimeBits(
  waterlineBits: number,
  ringDegree: number,
  weights: WeightKind,
  specialPrimes: number,
): number {
  return Math.min(2 * waterlineBits - gapBits(ringDegree, weights), largestDataBits(specialPrimes));
}

/** Bits of weights below which the asked precision is out of reach. */
function leastWeightBits(ringDegree: number, options: CompileOptions, weights: WeightKind): number {
  return Math.ceil(options.precisionBits + encodingBits(ringDegree, weights) + programLossBits);
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
 * level, or near waterline and weights where a rescale is shared, and special primes whose product is
 * above the largest digit.
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
  shared = noSharedLevels,
): Chain {
  if (options.primeBits !== null) return givenChain(levels, ringDegree, options, options.primeBits);
  const budget = maxModulusBits(ringDegree, options.security);
  const { weights } = shared;
  const counts = { levels, shared: shared.levels.size, weights };
  for (
    let bits = fittingSharedBits(counts, ringDegree, options, headroomBits, specialCount);
    bits >= minWaterlineBits;
    bits--
  ) {
    const limit = bits === narrowBits ? 1n << BigInt(bits) : undefined;
    const plain = findPrimes(bits, levels - counts.shared, ringDegree, [], limit);
    const sharedBits = sharedPrimeBits(bits, ringDegree, weights, specialCount);
    const wide = findPrimes(sharedBits, counts.shared, ringDegree, plain);
    const middle = Array.from({ length: levels }, (_, below) => {
      const [prime = 0n] = (shared.levels.has(below + 1) ? wide : plain).splice(0, 1);
      return prime;
    });
    const baseBits = bits + baseExtraBits + headroomBits;
    const [base = 0n] = findPrimes(baseBits, 1, ringDegree, middle);
    const primes = [base, ...middle];
    const specialBits =
      specialCount === 1
        ? Math.min(maxSpecialBits, Math.floor(budget - modulusBits(primes) - 0.01))
        : Math.ceil((largestDigitBits(primes, specialCount) + hybridExtraBits) / specialCount);
    const widest = counts.shared > 0 ? sharedBits : bits;
    if (specialCount === 1 && specialBits < leastSpecialBits(baseBits, widest)) continue;
    if (specialBits > maxSpecialBits) continue;
    const specialPrimes = findPrimes(specialBits, specialCount, ringDegree, primes);
    const modulus = { ringDegree, primes, specialPrimes };
    const total = modulusBits([...primes, ...specialPrimes]);
    if (total > budget) continue;
    requireSecurity(ringDegree, total, options.security);
    return { modulus, waterlineBits: waterlineBitsOf(modulus, headroomBits, shared) };
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
