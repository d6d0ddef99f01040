/** Exact rationals: a CKKS scale is one, so that equality of scales is decided, never approximated. */
import { CipherloomError, invariant } from '../errors.ts';

export interface Rational {
  readonly numerator: bigint;
  readonly denominator: bigint;
}

function gcd(a: bigint, b: bigint): bigint {
  while (b !== 0n) [a, b] = [b, a % b];
  return a;
}

/** The reduced fraction numerator / denominator; both must be positive. */
export function rational(numerator: bigint, denominator = 1n): Rational {
  invariant(numerator > 0n && denominator > 0n, 'a scale is positive');
  const divisor = gcd(numerator, denominator);
  return { numerator: numerator / divisor, denominator: denominator / divisor };
}

export function multiply(a: Rational, b: Rational): Rational {
  return rational(a.numerator * b.numerator, a.denominator * b.denominator);
}

export function divide(a: Rational, b: Rational): Rational {
  return rational(a.numerator * b.denominator, a.denominator * b.numerator);
}

/** Bits of a numerator or denominator up to which products of scales stay exact. */
const exactBits = 3072;
/** Bits of the numerator of a scale that is rounded: far more than a double or a noise can tell. */
const roundedBits = 128;

/**
 * The scale of a product of two ciphertexts: exact, or rounded to 128 bits where numbers would grow.
 *
 * n squares one behind the other have the waterline to the power of 2^n, of which no digit but the
 * first matters; sums further down compare what was rounded, so they stay exact.
 */
export function multiplyScales(a: Rational, b: Rational): Rational {
  const { numerator, denominator } = multiply(a, b);
  if (bitsOf(numerator) <= exactBits && bitsOf(denominator) <= exactBits) {
    return { numerator, denominator };
  }
  const shift = BigInt(roundedBits + bitsOf(denominator) - bitsOf(numerator));
  const rounded =
    shift > 0n ? (numerator << shift) / denominator : numerator / (denominator << -shift);
  return shift > 0n ? rational(rounded, 1n << shift) : rational(rounded << -shift);
}

function bitsOf(value: bigint): number {
  return 4 * value.toString(16).length;
}

export function equal(a: Rational, b: Rational): boolean {
  return a.numerator === b.numerator && a.denominator === b.denominator;
}

/** 2^bits. */
export function powerOfTwo(bits: number): Rational {
  return rational(1n << BigInt(bits));
}

/** The nearest double, correctly rounded (to even): every evaluator stamps this value. */
export function toNumber({ numerator, denominator }: Rational): number {
  // Scale the quotient to 64 bits or more, keep a sticky bit, let Number round once.
  const bits = numerator.toString(2).length - denominator.toString(2).length;
  // Up to 2^-1021 doubles are the multiples of 2^-1074.
  if (bits < -1021) return roundedMultiple(numerator << 1074n, denominator) * 2 ** -1074;
  const shift = 66 - bits;
  const scaled = shift > 0 ? numerator << BigInt(shift) : numerator;
  const divisor = shift < 0 ? denominator << BigInt(-shift) : denominator;
  const quotient = scaled / divisor;
  const sticky = scaled % divisor === 0n ? 0n : 1n;
  // In two steps, so that neither factor leaves the range of a double.
  return Number((quotient << 1n) | sticky) * 2 ** -60 * 2 ** (59 - shift);
}

/** The integer nearest to a small quotient, ties to even. */
function roundedMultiple(numerator: bigint, denominator: bigint): number {
  const floor = numerator / denominator;
  const twice = 2n * (numerator % denominator);
  const up = twice > denominator || (twice === denominator && (floor & 1n) === 1n);
  return Number(up ? floor + 1n : floor);
}

/** log2 as a double, for print and for estimates. */
export function log2(value: Rational): number {
  return Math.log2(toNumber(value));
}

export function toText({ numerator, denominator }: Rational): string {
  return denominator === 1n ? numerator.toString() : `${numerator}/${denominator}`;
}

const pattern = /^(\d{1,2000})(?:\/(\d{1,2000}))?$/;

/** Read `n` or `n/d`. Throws IR_INVALID. */
export function fromText(text: string): Rational {
  const match = pattern.exec(text);
  const numerator = BigInt(match?.[1] ?? 0);
  const denominator = BigInt(match?.[2] ?? 1);
  if (numerator <= 0n || denominator <= 0n) {
    throw new CipherloomError('IR_INVALID', `"${text.slice(0, 80)}" is not a positive rational`, {
      phase: 'ir',
    });
  }
  return rational(numerator, denominator);
}
