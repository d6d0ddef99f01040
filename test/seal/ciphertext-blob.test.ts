import { describe, expect, test } from 'vitest';
import { CipherloomError } from '../../src/errors.ts';
import {
  checkCiphertextBlob,
  ciphertextBlobBytes,
  writeCiphertextBlob,
  type CiphertextExpectation,
} from '../../src/seal/ciphertext-blob.ts';
import { findPrimes, toyVector } from './toy-parameters.ts';

const ringDegree = 1024;
const moduli = findPrimes(ringDegree, [40, 50, 58]);
const parmsId = Uint8Array.from({ length: 32 }, (_, i) => 7 * i);

function words(polynomials: number): BigUint64Array<ArrayBuffer> {
  const random = toyVector(polynomials * moduli.length * ringDegree);
  return BigUint64Array.from(random, (v, i) => {
    const modulus = moduli[Math.floor(i / ringDegree) % moduli.length]!;
    return BigInt(Math.floor(Math.abs(v) * 2 ** 53)) % modulus;
  });
}

const meta = { parmsId, ringDegree, moduli: moduli.length, scale: 2 ** 40 };
const expanded = writeCiphertextBlob(meta, words(2));
const seeded = writeCiphertextBlob(meta, words(1), new Uint8Array(64).fill(9));
const expectedOf = (form: 'seeded' | 'expanded'): CiphertextExpectation => ({
  name: 'image',
  index: 3,
  parmsId,
  ringDegree,
  moduli,
  scale: 2 ** 40,
  form,
});

function fault(blob: Uint8Array, form: 'seeded' | 'expanded'): CipherloomError | null {
  try {
    checkCiphertextBlob(blob, expectedOf(form));
    return null;
  } catch (error) {
    if (error instanceof CipherloomError) return error;
    throw error;
  }
}

type Change = (blob: Uint8Array<ArrayBuffer>, view: DataView) => Uint8Array<ArrayBuffer>;
const set =
  (offset: number, byte: number): Change =>
  (blob) => {
    blob[offset] = byte;
    return blob;
  };
const setWord =
  (offset: number, word: bigint): Change =>
  (blob, view) => {
    view.setBigUint64(offset, word, true);
    return blob;
  };
const setScale =
  (scale: number): Change =>
  (blob, view) => {
    view.setFloat64(73, scale, true);
    return blob;
  };
const resize =
  (change: number): Change =>
  (blob) => {
    const copy = new Uint8Array(Math.max(0, blob.length + change));
    copy.set(blob.subarray(0, copy.length));
    return copy;
  };

/** The table of rows B1–B5: what is changed, and the field the message must name. */
const mutations: [string, Change, RegExp][] = [
  ['empty', (blob) => blob.slice(0, 0), /has 0 bytes/],
  ['one byte', (blob) => blob.slice(0, 1), /has 1 bytes/],
  ['half', (blob) => blob.slice(0, blob.length >> 1), /bytes, expected exactly/],
  ['truncated by one', resize(-1), /bytes, expected exactly/],
  ['trailing byte', resize(1), /bytes, expected exactly/],
  ['magic', set(0, 0x5f), /magic number/],
  ['magic, second byte', set(1, 0), /magic number/],
  ['header size 0', set(2, 0), /header size is 0/],
  ['version 3', set(3, 3), /major version is 3/],
  ['version 4.4', set(4, 4), /minor version is 4/],
  ['zlib', set(5, 1), /compression mode is 1/],
  ['zstd', set(5, 2), /compression mode is 2/],
  ['compression 7', set(5, 7), /compression mode is 7/],
  ['reserved', set(6, 1), /reserved byte/],
  ['length 2^60', setWord(8, 1n << 60n), /length is 1152921504606846976/],
  ['another level or other parameters', set(16, 1), /parms_id/],
  ['not transformed', set(48, 0), /NTT flag is 0/],
  ['NTT flag 2', set(48, 2), /NTT flag is 2/],
  ['three polynomials', setWord(49, 3n), /number of polynomials is 3/],
  ['2^40 polynomials', setWord(49, 1n << 40n), /number of polynomials/],
  ['ring degree', setWord(57, 2048n), /ring degree is 2048/],
  ['primes', setWord(65, 2n), /number of primes is 2/],
  ['scale NaN', setScale(NaN), /scale is NaN/],
  ['scale −1', setScale(-1), /scale is -1/],
  ['scale 1e300', setScale(1e300), /scale is 1e\+300/],
  ['scale 0.5', setScale(0.5), /scale is 0.5/],
  ['scale next double', setScale(2 ** 40 + 2 ** -12), /scale is/],
  ['correction factor', setWord(81, 2n), /correction factor is 2/],
  ['array compressed', set(94, 1), /compression mode is 1/],
  ['array count 2^60', setWord(105, 1n << 60n), /number of coefficients/],
  ['coefficient = q_0', setWord(113, moduli[0]!), /coefficient 0 is/],
  [
    'coefficient 2^64 − 1',
    setWord(113 + 8 * 1024, 2n ** 64n - 1n),
    /coefficient 1024 is 18446744073709551615/,
  ],
  [
    'last coefficient of the polynomial',
    setWord(113 + 8 * (3 * 1024 - 1), moduli[2]!),
    /coefficient 3071/,
  ],
];

describe.each(['seeded', 'expanded'] as const)('%s', (form) => {
  const good = form === 'seeded' ? seeded : expanded;

  test('a good blob passes and has the predicted length', () => {
    expect(good.length).toBe(ciphertextBlobBytes(ringDegree, 3, form));
    expect(fault(good, form)).toBeNull();
  });

  test.each(mutations)('%s is refused by name', (_name, change, message) => {
    const copy = good.slice();
    const changed = change(copy, new DataView(copy.buffer));
    const error = fault(changed, form);
    expect(error?.message).toMatch(message);
    expect(error?.message).toMatch(/^ciphertext image\[3\]/);
    expect(error?.exit).toBe(3);
    expect(error?.node).toBe('image');
    expect(error?.details).toHaveProperty('expected');
  });

  test('the largest residues pass', () => {
    const copy = good.slice();
    const view = new DataView(copy.buffer);
    moduli.forEach((modulus, j) => {
      view.setBigUint64(113 + 8 * 1024 * j, modulus - 1n, true);
    });
    expect(fault(copy, form)).toBeNull();
  });

  test('a blob that does not start at a multiple of eight bytes passes', () => {
    const shifted = new Uint8Array(good.length + 3);
    shifted.set(good, 3);
    expect(fault(shifted.subarray(3), form)).toBeNull();
  });

  test('no byte of the head can change unseen', () => {
    // Bytes 0 … 112 are the frame; every one of them is compared.
    for (let offset = 0; offset < 113; offset++) {
      const copy = good.slice();
      copy[offset]! ^= 1;
      expect(fault(copy, form), `byte ${offset}`).not.toBeNull();
    }
  });
});

test('the seed of a seeded blob must be of the generator SEAL uses', () => {
  const info = 113 + 8 * 3 * 1024;
  for (const [offset, message] of [
    [info, /magic number/],
    [info + 5, /compression mode/],
    [info + 16, /generator/],
  ] as const) {
    const copy = seeded.slice();
    copy[offset]! ^= 2;
    expect(fault(copy, 'seeded')?.message).toMatch(message);
  }
});

test('a transparent ciphertext is refused', () => {
  const copy = expanded.slice();
  copy.fill(0, 113 + 8 * 3 * 1024);
  expect(fault(copy, 'expanded')?.message).toMatch(/transparent/);
  copy[copy.length - 8] = 1;
  expect(fault(copy, 'expanded')).toBeNull();
});
