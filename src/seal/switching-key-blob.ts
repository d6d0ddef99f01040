/**
 * SEAL's serialised switching keys, taken apart and put together without WebAssembly.
 *
 * A key for n primes holds, per digit, an encryption of zero modulo q_0 … q_(n−1) and the special
 * primes, to which P·s′ was added at the residues of the digit (`src/layout/key-digits.ts`). The
 * second polynomial of each is given by a seed. With one special prime SEAL makes it.
 *
 * Layout  header 16 · parms_id 32 · number of entries 8 · per entry: number of digits 8, digits;
 *         a Galois key of element g is entry (g − 1) / 2, the other entries are empty
 * Source  microsoft/SEAL v4.1.2 native/src/seal/kswitchkeys.cpp, galoiskeys.h get_index
 */
import { CipherloomError, InternalError } from '../errors.ts';
import {
  checkCiphertextBlob,
  ciphertextBlobBytes,
  readCiphertextBlob,
  seedBytes,
  writeCiphertextBlob,
} from './ciphertext-blob.ts';
import { sentKeyBytes } from '../layout/key-bytes.ts';
import { keyDigitCount } from '../layout/key-digits.ts';
import { packPolynomial, packedBytes, unpackPolynomial } from './packed-polynomial.ts';
import type { SealParameters } from './parameters.ts';
import { findHeaderFault, parmsIdBytes, sealHeaderBytes, writeSealHeader } from './seal-blob.ts';

/** Which switching key: relinearisation, or rotation to the left by `step` slots. */
export interface SwitchingKeyRequest {
  readonly kind: 'relinearisation' | 'rotation';
  /** 0 for relinearisation. */
  readonly step: number;
  /** Data primes at the highest level of use: residues less the special ones. */
  readonly primeCount: number;
}

/** The modulus of stored polynomials: ring degree, moduli with the special ones last, their name. */
export interface KeySpace {
  readonly ringDegree: number;
  readonly moduli: readonly bigint[];
  readonly parmsId: Uint8Array;
}

const headBytes = sealHeaderBytes + parmsIdBytes + 8;

/**
 * Bytes of a key as it is sent.
 *
 * Layout  seeds [digits][64] · packed first polynomials [digits][primes + special primes], see
 *         `packed-polynomial.ts`
 */
export function switchingKeyBytes(parameters: SealParameters, primeCount: number): number {
  return sentKeyBytes(parameters, primeCount);
}

function digitBytes(moduli: readonly bigint[], ringDegree: number): number {
  return moduli.reduce((sum, modulus) => sum + packedBytes(ringDegree, modulus), 0);
}

/** Bytes of a key as an evaluator holds it, expanded, for values of `primeCount` primes. */
export function residentKeyBytes(
  ringDegree: number,
  primeCount: number,
  specialPrimes: number,
): number {
  const digits = keyDigitCount(primeCount, specialPrimes);
  return digits * (primeCount + specialPrimes) * 2 * 8 * ringDegree;
}

/**
 * Galois element of a rotation to the left: 3^step modulo 2N.
 *
 * Source: SEAL v4.1.2 util/galois.cpp get_elt_from_step.
 */
export function galoisElement(ringDegree: number, step: number): number {
  const slots = ringDegree / 2;
  const mask = 2 * ringDegree - 1;
  let element = 1;
  // Factors stay below 2^18, so products are exact.
  for (let left = ((step % slots) + slots) % slots; left > 0; left--)
    element = (element * 3) & mask;
  return element;
}

/** Entry of a key in SEAL's key vectors. */
export function keyEntry(ringDegree: number, request: SwitchingKeyRequest): number {
  return request.kind === 'relinearisation' ? 0 : (galoisElement(ringDegree, request.step) - 1) / 2;
}

/** Take the digits out of a seeded key that SEAL saved. */
export function readSavedSwitchingKey(
  blob: Uint8Array,
  request: SwitchingKeyRequest,
  space: KeySpace,
): Uint8Array<ArrayBuffer> {
  const view = new DataView(blob.buffer, blob.byteOffset, blob.byteLength);
  const fault = findHeaderFault(view, 0, blob.length);
  if (fault !== null) throw new InternalError(`SEAL saved a key with ${fault.field} ${fault.got}`);
  const entry = keyEntry(space.ringDegree, request);
  // One special prime, so one digit a prime.
  const digits = request.primeCount;
  const blobBytes = ciphertextBlobBytes(space.ringDegree, space.moduli.length, 'seeded');
  let offset = headBytes + 8 * entry;
  if (Number(view.getBigUint64(offset, true)) !== digits) {
    throw new InternalError(`SEAL saved another number of digits than ${digits}`);
  }
  offset += 8;
  return packDigits(digits, space, (j) =>
    readSavedDigit(blob.subarray(offset + j * blobBytes, offset + (j + 1) * blobBytes), j, space),
  );
}

/** One digit of a sent key: its seed, and the coefficients of its first polynomial, unchecked. */
export interface SentDigit {
  readonly seed: Uint8Array;
  /** [primes + special primes][ringDegree] */
  readonly words: BigUint64Array<ArrayBuffer>;
}

/** Take apart a seeded encryption of zero, or digit of a key, that SEAL saved. */
export function readSavedDigit(blob: Uint8Array, index: number, space: KeySpace): SentDigit {
  const { ringDegree, moduli } = space;
  checkCiphertextBlob(blob, { ...space, scale: 1, form: 'seeded', name: 'key digit', index });
  const { words, seed } = readCiphertextBlob(blob, ringDegree, moduli.length, 'seeded');
  if (seed === null) throw new InternalError('SEAL saved a key without a seed');
  return { seed, words };
}

/** Put digits into the form that is sent; `digit` is asked for one at a time. */
export function packDigits(
  digits: number,
  { ringDegree, moduli }: KeySpace,
  digit: (index: number) => SentDigit,
): Uint8Array<ArrayBuffer> {
  const payload = new Uint8Array(digits * (seedBytes + digitBytes(moduli, ringDegree)));
  let bodyAt = digits * seedBytes;
  for (let j = 0; j < digits; j++) {
    const { seed, words } = digit(j);
    payload.set(seed, j * seedBytes);
    moduli.forEach((modulus, i) => {
      const residue = words.subarray(i * ringDegree, (i + 1) * ringDegree);
      packPolynomial(residue, modulus, payload, bodyAt);
      bodyAt += packedBytes(ringDegree, modulus);
    });
  }
  return payload;
}

/** Unpack one digit of a sent key. */
export function readSentDigit(
  payload: Uint8Array,
  digits: number,
  digit: number,
  ringDegree: number,
  moduli: readonly bigint[],
): SentDigit {
  const words = new BigUint64Array(moduli.length * ringDegree);
  let at = digits * seedBytes + digit * digitBytes(moduli, ringDegree);
  moduli.forEach((modulus, i) => {
    unpackPolynomial(payload, at, modulus, words.subarray(i * ringDegree, (i + 1) * ringDegree));
    at += packedBytes(ringDegree, modulus);
  });
  return { seed: payload.subarray(digit * seedBytes, (digit + 1) * seedBytes), words };
}

/** A digit as a seeded SEAL public key. */
export function writeSeededDigit(
  { seed, words }: SentDigit,
  space: KeySpace,
): Uint8Array<ArrayBuffer> {
  return writeCiphertextBlob({ ...space, moduli: space.moduli.length, scale: 1 }, words, seed);
}

/** A SEAL key vector with one entry, made of digits in SEAL's form. */
export function writeSwitchingKeyBlob(
  entry: number,
  digits: readonly Uint8Array[],
  parmsId: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const size = headBytes + 8 * (entry + 1) + digits.reduce((sum, digit) => sum + digit.length, 0);
  const blob = new Uint8Array(size);
  const view = new DataView(blob.buffer);
  writeSealHeader(view, 0, size);
  blob.set(parmsId, sealHeaderBytes);
  view.setBigUint64(sealHeaderBytes + parmsIdBytes, BigInt(entry + 1), true);
  let offset = headBytes + 8 * entry;
  view.setBigUint64(offset, BigInt(digits.length), true);
  offset += 8;
  for (const digit of digits) {
    blob.set(digit, offset);
    offset += digit.length;
  }
  return blob;
}

/** Refuse a step that is no rotation. */
export function checkStep(ringDegree: number, step: number): void {
  const slots = ringDegree / 2;
  if (Number.isInteger(step) && Math.abs(step) < slots && step !== 0) return;
  throw new CipherloomError(
    'PARAMETERS_INVALID',
    `rotation step ${step} is not an integer other than 0 between −${slots} and ${slots}`,
    { phase: 'seal', details: { step, slots } },
  );
}
