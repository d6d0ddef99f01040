import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  divide,
  equal,
  fromText,
  log2,
  multiply,
  multiplyScales,
  powerOfTwo,
  rational,
  toNumber,
  toText,
} from '../../src/ir/rational.ts';
import type { Rational } from '../../src/ir/rational.ts';
import { errorOf } from '../support/error-of.ts';

const positive = (bits: number): fc.Arbitrary<bigint> =>
  fc.bigInt({ min: 1n, max: 2n ** BigInt(bits) });
const rationals = fc
  .tuple(fc.constantFrom(1, 8, 60, 300, 1100), fc.constantFrom(1, 8, 60, 300, 1100))
  .chain(([n, d]) => fc.tuple(positive(n), positive(d)))
  .map(([n, d]) => rational(n, d));

/** A double as an exact fraction, by its bits. */
function exactly(value: number): Rational | null {
  if (value === 0) return null;
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  const bits = view.getBigUint64(0);
  const exponent = Number((bits >> 52n) & 0x7ffn);
  const mantissa = (bits & 0xf_ffff_ffff_ffffn) + (exponent === 0 ? 0n : 1n << 52n);
  const power = Math.max(exponent, 1) - 1075;
  return power >= 0
    ? rational(mantissa << BigInt(power))
    : rational(mantissa, 1n << BigInt(-power));
}

/** |a − b| as numerator over the common denominator. */
function distance(value: Rational, double: number): bigint {
  const other = exactly(double) ?? { numerator: 0n, denominator: 1n };
  const common = value.denominator * other.denominator;
  const difference = value.numerator * other.denominator - other.numerator * value.denominator;
  return ((difference < 0n ? -difference : difference) << 4000n) / common;
}

/** The doubles next to a positive double. */
function neighbours(value: number): [number, number] {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  const bits = view.getBigUint64(0);
  view.setBigUint64(0, bits + 1n);
  const above = view.getFloat64(0);
  if (bits === 0n) return [0, above];
  view.setBigUint64(0, bits - 1n);
  return [view.getFloat64(0), above];
}

function isEven(value: number): boolean {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  return (view.getBigUint64(0) & 1n) === 0n;
}

function expectNearest(value: Rational): void {
  const double = toNumber(value);
  if (double === Infinity) {
    // Half an ulp above the largest double.
    expect(value.numerator >= ((2n ** 54n - 1n) << 970n) * value.denominator).toBe(true);
    return;
  }
  const here = distance(value, double);
  for (const other of neighbours(double)) {
    if (other === Infinity) continue;
    const there = distance(value, other);
    expect(here <= there).toBe(true);
    if (here === there && here > 0n) expect(isEven(double)).toBe(true);
  }
}

describe('toNumber', () => {
  it('is the nearest double', () => {
    fc.assert(fc.property(rationals, expectNearest), { numRuns: 2000, seed: 1 });
  });

  it('breaks ties to even, at every magnitude', () => {
    const exponents = fc.integer({ min: -1080, max: 1023 });
    const mantissas = fc.bigInt({ min: 2n ** 52n, max: 2n ** 53n - 1n });
    fc.assert(
      fc.property(mantissas, exponents, fc.constantFrom(-1n, 0n, 1n), (mantissa, exponent, off) => {
        // Halfway between two doubles of 53 bits, or next to it.
        const numerator = (((mantissa << 1n) | 1n) << 100n) + off;
        const power = exponent - 153;
        expectNearest(
          power >= 0
            ? rational(numerator << BigInt(power))
            : rational(numerator, 1n << BigInt(-power)),
        );
      }),
      { numRuns: 2000, seed: 2 },
    );
  });

  it.each([
    [rational(1n, 3n), 1 / 3],
    [rational(2n ** 53n + 1n), 2 ** 53],
    [rational(2n ** 53n + 3n), 2 ** 53 + 4],
    [rational((2n ** 53n + 1n) * 2n ** 70n + 1n, 2n ** 70n), 2 ** 53 + 2],
    [powerOfTwo(1023), 2 ** 1023],
    [powerOfTwo(1024), Infinity],
    [rational(1n, 2n ** 1074n), Number.MIN_VALUE],
    [rational(1n, 2n ** 1075n), 0],
    [rational(3n, 2n ** 1075n), 2 ** -1073],
    [rational(1n, 2n ** 1022n), 2 ** -1022],
    [rational(2n ** 1024n, 1n << 3000n), 0],
  ])('%# has the double that it must', (value, expected) => {
    expect(toNumber(value)).toBe(expected);
  });

  it('undoes what a double is', () => {
    fc.assert(
      fc.property(
        fc.double({ min: Number.MIN_VALUE, noNaN: true, noDefaultInfinity: true }),
        (x) => {
          expect(toNumber(exactly(x)!)).toBe(x);
        },
      ),
      { numRuns: 500, seed: 3 },
    );
  });
});

describe('arithmetic', () => {
  it('is exact: (a · b) / b = a', () => {
    fc.assert(
      fc.property(rationals, rationals, (a, b) => {
        expect(equal(divide(multiply(a, b), b), a)).toBe(true);
        expect(equal(multiply(a, b), multiply(b, a))).toBe(true);
      }),
      { numRuns: 300, seed: 4 },
    );
  });

  it('tells apart what doubles do not', () => {
    const q = 1_099_511_590_913n;
    const a = divide(powerOfTwo(80), rational(q));
    const b = rational(a.numerator * 10n ** 30n + 1n, a.denominator * 10n ** 30n);
    expect(toNumber(a)).toBe(toNumber(b));
    expect(equal(a, b)).toBe(false);
  });

  it('keeps fractions reduced, and refuses what is not positive', () => {
    expect(rational(6n, 4n)).toEqual({ numerator: 3n, denominator: 2n });
    for (const [n, d] of [
      [0n, 1n],
      [-1n, 1n],
      [1n, 0n],
      [1n, -2n],
    ] as const) {
      expect(() => rational(n, d)).toThrow('a scale is positive');
    }
  });

  it('log2 of powers of two and of scales', () => {
    expect(log2(powerOfTwo(40))).toBe(40);
    expect(log2(rational(2n ** 80n, 2n ** 40n + 1n))).toBeCloseTo(40, 10);
  });
});

describe('text', () => {
  it('reads back what it writes', () => {
    fc.assert(
      fc.property(rationals, (value) => {
        expect(equal(fromText(toText(value)), value)).toBe(true);
      }),
      { numRuns: 300, seed: 5 },
    );
  });

  it.each([
    '',
    '0',
    '1/0',
    '0/5',
    '-1',
    '1/-2',
    '1.5',
    '1/2/3',
    ' 1',
    '1e9',
    '0x10',
    '1n',
    '9'.repeat(2001),
  ])('refuses %j', (text) => {
    expect(errorOf(() => fromText(text)).code).toBe('IR_INVALID');
  });
});

describe('scales of products', () => {
  it('are exact while they are short', () => {
    fc.assert(
      fc.property(rationals, rationals, (a, b) => {
        expect(equal(multiplyScales(a, b), multiply(a, b))).toBe(true);
      }),
      { numRuns: 200, seed: 6 },
    );
  });

  it('are rounded to 128 bits or so where they are long', () => {
    const long = fc
      .tuple(positive(4000), positive(4000))
      .map(([n, d]) => rational((1n << 3100n) + n, d));
    fc.assert(
      fc.property(long, long, (a, b) => {
        const exact = multiply(a, b);
        const rounded = multiplyScales(a, b);
        const left = rounded.numerator * exact.denominator;
        const right = exact.numerator * rounded.denominator;
        expect(left).toBeLessThanOrEqual(right);
        expect((right - left) << 120n).toBeLessThan(right);
        expect(toText(rounded).length).toBeLessThan(3000);
      }),
      { numRuns: 200, seed: 7 },
    );
  });
});
