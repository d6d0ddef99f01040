/**
 * SEAL's serialised ciphertexts, checked before WebAssembly sees them and written without it.
 *
 * SEAL 4.1.2 inflates compressed blobs without bound and accepts any scale, trailing bytes, sizes
 * other than two and transparent ciphertexts, so everything is compared here with what the plan
 * says; there is exactly one accepted form.
 *
 * Layout  header 16 · parms_id 32 · ntt flag 1 · polynomials 8 · ring degree 8 · primes 8 ·
 *         scale 8 · correction factor 8 · array head 24 · words; a seeded ciphertext stores the
 *         first polynomial only, then header 16 · generator 1 · seed 64
 * Source  microsoft/SEAL v4.1.2 native/src/seal/ciphertext.cpp save_members, randomgen.cpp
 */
import { CipherloomError } from '../errors.ts';
import { findUnreduced, isZero, wordsOf, bytesOfWords } from './residues.ts';
import {
  findHeaderFault,
  parmsIdBytes,
  sealArrayHeadBytes,
  sealHeaderBytes,
  writeSealArrayHead,
  writeSealHeader,
} from './seal-blob.ts';

/** `seeded`: the second polynomial is given by the seed it was drawn from. */
export type CiphertextForm = 'seeded' | 'expanded';

export const seedBytes = 64;
const seedInfoBytes = sealHeaderBytes + 1 + seedBytes;
/** prng_type::blake2xb */
const blake2xb = 1;

const at = {
  parmsId: sealHeaderBytes,
  nttForm: 48,
  polynomials: 49,
  ringDegree: 57,
  primes: 65,
  scale: 73,
  correctionFactor: 81,
  array: 89,
  words: 89 + sealArrayHeadBytes,
} as const;

/** Exact size of a blob in bytes. */
export function ciphertextBlobBytes(
  ringDegree: number,
  moduli: number,
  form: CiphertextForm,
): number {
  const polynomial = 8 * ringDegree * moduli;
  return at.words + (form === 'seeded' ? polynomial + seedInfoBytes : 2 * polynomial);
}

export interface CiphertextMeta {
  readonly parmsId: Uint8Array;
  readonly ringDegree: number;
  readonly moduli: readonly bigint[];
  readonly scale: number;
  readonly form: CiphertextForm;
}

/** What a blob must be. */
export interface CiphertextExpectation extends CiphertextMeta {
  /** Name of the tensor, for messages. */
  readonly name: string;
  /** Index among the tensor's ciphertexts, for messages. */
  readonly index?: number;
}

/**
 * Check a received ciphertext against the plan.
 *
 * Cost    one pass over the coefficients
 * Throws  CIPHERTEXT_TRUNCATED, CIPHERTEXT_INVALID with the field, the offset, what was got and
 *         what was expected
 */
export function checkCiphertextBlob(blob: Uint8Array, expected: CiphertextExpectation): void {
  const { ringDegree, moduli, form } = expected;
  const where =
    expected.index === undefined ? expected.name : `${expected.name}[${expected.index}]`;
  const refuse = (
    field: string,
    got: unknown,
    wanted: unknown,
    offset: number,
    hint = 'the ciphertext belongs to another plan, or was damaged; encrypt or evaluate again',
  ): never => {
    throw new CipherloomError(
      'CIPHERTEXT_INVALID',
      `ciphertext ${where}: ${field} is ${String(got)}, expected ${String(wanted)}`,
      {
        phase: 'seal',
        node: expected.name,
        details: { field, got, expected: wanted, offset },
        hint,
      },
    );
  };

  const size = ciphertextBlobBytes(ringDegree, moduli.length, form);
  if (blob.length !== size) {
    throw new CipherloomError(
      'CIPHERTEXT_TRUNCATED',
      `ciphertext ${where} has ${blob.length} bytes, expected exactly ${size}`,
      {
        phase: 'seal',
        node: expected.name,
        details: { got: blob.length, expected: size },
        hint: 'transfer the file again',
      },
    );
  }
  const view = new DataView(blob.buffer, blob.byteOffset, blob.byteLength);
  const header = (offset: number, bytes: number): void => {
    const fault = findHeaderFault(view, offset, bytes);
    if (fault !== null) refuse(fault.field, fault.got, fault.expected, fault.offset);
  };
  const word = (field: string, offset: number, wanted: number): void => {
    const got = view.getBigUint64(offset, true);
    if (got !== BigInt(wanted)) refuse(field, String(got), wanted, offset);
  };

  header(0, size);
  for (let i = 0; i < parmsIdBytes; i++) {
    if (view.getUint8(at.parmsId + i) !== expected.parmsId[i]) {
      const hex = (bytes: Uint8Array): string =>
        Array.from(bytes.subarray(0, 8), (b) => b.toString(16).padStart(2, '0')).join('');
      refuse(
        'parms_id (parameters and level)',
        hex(blob.subarray(at.parmsId)),
        hex(expected.parmsId),
        at.parmsId,
      );
    }
  }
  const ntt = view.getUint8(at.nttForm);
  if (ntt !== 1) refuse('NTT flag', ntt, 1, at.nttForm);
  word('number of polynomials', at.polynomials, 2);
  word('ring degree', at.ringDegree, ringDegree);
  word('number of primes', at.primes, moduli.length);
  const scale = view.getFloat64(at.scale, true);
  // Object.is: NaN is no number's equal, and −0 is not 0.
  if (!Object.is(scale, expected.scale)) refuse('scale', scale, expected.scale, at.scale);
  word('correction factor', at.correctionFactor, 1);
  const polynomial = ringDegree * moduli.length;
  const words = form === 'seeded' ? polynomial : 2 * polynomial;
  header(at.array, sealArrayHeadBytes + 8 * words);
  word('number of coefficients', at.array + sealHeaderBytes, words);
  if (form === 'seeded') {
    const info = at.words + 8 * words;
    header(info, seedInfoBytes);
    const generator = view.getUint8(info + sealHeaderBytes);
    if (generator !== blake2xb) refuse('generator', generator, blake2xb, info + sealHeaderBytes);
  }
  const coefficients = wordsOf(blob, at.words, words);
  const unreduced = findUnreduced(coefficients, ringDegree, moduli);
  if (unreduced >= 0) {
    const modulus = moduli[Math.floor(unreduced / ringDegree) % moduli.length];
    refuse(
      `coefficient ${unreduced}`,
      String(coefficients[unreduced]),
      `a value below ${String(modulus)}`,
      at.words + 8 * unreduced,
    );
  }
  if (form === 'expanded' && isZero(coefficients.subarray(polynomial))) {
    refuse(
      'second polynomial',
      'zero (a transparent ciphertext: its content is readable without a key)',
      'not zero',
      at.words + 8 * polynomial,
    );
  }
}

/** Write a blob SEAL accepts; `words` are one polynomial with a seed, two without. */
export function writeCiphertextBlob(
  meta: Omit<CiphertextMeta, 'form' | 'moduli'> & { readonly moduli: number },
  words: BigUint64Array<ArrayBuffer>,
  seed?: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const size = ciphertextBlobBytes(
    meta.ringDegree,
    meta.moduli,
    seed === undefined ? 'expanded' : 'seeded',
  );
  const blob = new Uint8Array(size);
  const view = new DataView(blob.buffer);
  writeSealHeader(view, 0, size);
  blob.set(meta.parmsId, at.parmsId);
  view.setUint8(at.nttForm, 1);
  view.setBigUint64(at.polynomials, 2n, true);
  view.setBigUint64(at.ringDegree, BigInt(meta.ringDegree), true);
  view.setBigUint64(at.primes, BigInt(meta.moduli), true);
  view.setFloat64(at.scale, meta.scale, true);
  view.setBigUint64(at.correctionFactor, 1n, true);
  writeSealArrayHead(view, at.array, words.length);
  blob.set(bytesOfWords(words), at.words);
  if (seed !== undefined) {
    const info = at.words + words.byteLength;
    writeSealHeader(view, info, seedInfoBytes);
    view.setUint8(info + sealHeaderBytes, blake2xb);
    blob.set(seed, info + sealHeaderBytes + 1);
  }
  return blob;
}

/** Coefficients and, where the blob is seeded, the seed; the blob must have been checked. */
export function readCiphertextBlob(
  blob: Uint8Array,
  ringDegree: number,
  moduli: number,
  form: CiphertextForm,
): { readonly words: BigUint64Array<ArrayBuffer>; readonly seed: Uint8Array | null } {
  const count = ringDegree * moduli * (form === 'seeded' ? 1 : 2);
  const seedAt = at.words + 8 * count + sealHeaderBytes + 1;
  return {
    words: wordsOf(blob, at.words, count),
    seed: form === 'seeded' ? blob.subarray(seedAt, seedAt + seedBytes) : null,
  };
}
