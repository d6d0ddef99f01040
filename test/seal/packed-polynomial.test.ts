import fc from 'fast-check';
import { expect, test } from 'vitest';
import { packPolynomial, packedBytes, unpackPolynomial } from '../../src/seal/packed-polynomial.ts';

const modulus = fc
  .integer({ min: 20, max: 60 })
  .chain((bits) => fc.bigInt({ min: 1n << BigInt(bits - 1), max: (1n << BigInt(bits)) - 1n }));

test('packing and unpacking is the identity, in the predicted bytes', () => {
  fc.assert(
    fc.property(
      modulus.chain((q) =>
        fc.tuple(
          fc.constant(q),
          fc.array(fc.bigInt({ min: 0n, max: q - 1n }), { minLength: 16, maxLength: 16 }),
        ),
      ),
      ([q, values]) => {
        const words = BigUint64Array.from(values);
        const out = new Uint8Array(packedBytes(16, q) + 7).fill(0xaa);
        packPolynomial(words, q, out, 3);
        expect(out.subarray(0, 3)).toEqual(new Uint8Array(3).fill(0xaa));
        expect(out.subarray(-4)).toEqual(new Uint8Array(4).fill(0xaa));
        const back = new BigUint64Array(16);
        unpackPolynomial(out, 3, q, back);
        expect(back).toEqual(words);
      },
    ),
  );
});

test('44-bit primes take 5.5 bytes a coefficient, small ones 4', () => {
  expect(packedBytes(4096, (1n << 44n) - 1n)).toBe(22528);
  expect(packedBytes(4096, 12289n)).toBe(16384);
});

test('the layout is what the comment says', () => {
  const out = new Uint8Array(packedBytes(8, (1n << 36n) - 1n));
  const words = BigUint64Array.from({ length: 8 }, (_, i) => (BigInt(i + 1) << 32n) + BigInt(i));
  packPolynomial(words, (1n << 36n) - 1n, out, 0);
  expect([...new Uint32Array(out.buffer, 0, 8)]).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  expect([...out.subarray(32)]).toEqual([0x21, 0x43, 0x65, 0x87]);
});

test('a coefficient above the modulus is a bug', () => {
  const out = new Uint8Array(packedBytes(8, 1n << 40n));
  const words = new BigUint64Array(8).fill(1n << 60n);
  expect(() => {
    packPolynomial(words, 1n << 39n, out, 0);
  }).toThrow(/below their modulus/);
});
