/**
 * SEAL's serialised plaintexts, written without WebAssembly.
 *
 * A number in every slot is a constant polynomial, and a constant polynomial is its own transform:
 * such a plaintext needs no FFT and no NTT, only its residues repeated.
 *
 * Layout  header 16 · parms_id 32 · coefficients 8 · scale 8 · array head 24 · words
 * Source  microsoft/SEAL v4.1.2 native/src/seal/plaintext.cpp save_members, ckks.cpp encode_internal
 */
import { bytesOfWords } from './residues.ts';
import {
  parmsIdBytes,
  sealArrayHeadBytes,
  sealHeaderBytes,
  writeSealArrayHead,
  writeSealHeader,
} from './seal-blob.ts';

const arrayAt = sealHeaderBytes + parmsIdBytes + 16;
const wordsAt = arrayAt + sealArrayHeadBytes;

/** The integer that stands for `value` at `scale`: rounded half away from zero, as SEAL does. */
export function scaledInteger(value: number, scale: number): bigint {
  const scaled = value * scale;
  return BigInt(Math.sign(scaled) * Math.round(Math.abs(scaled)));
}

/** A plaintext with `value` in every slot. */
export function writeConstantPlaintext(
  value: number,
  scale: number,
  ringDegree: number,
  moduli: readonly bigint[],
  parmsId: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const integer = scaledInteger(value, scale);
  const words = new BigUint64Array(ringDegree * moduli.length);
  moduli.forEach((modulus, j) => {
    const residue = ((integer % modulus) + modulus) % modulus;
    words.fill(residue, j * ringDegree, (j + 1) * ringDegree);
  });
  const blob = new Uint8Array(wordsAt + words.byteLength);
  const view = new DataView(blob.buffer);
  writeSealHeader(view, 0, blob.length);
  blob.set(parmsId, sealHeaderBytes);
  view.setBigUint64(sealHeaderBytes + parmsIdBytes, BigInt(words.length), true);
  view.setFloat64(sealHeaderBytes + parmsIdBytes + 8, scale, true);
  writeSealArrayHead(view, arrayAt, words.length);
  blob.set(bytesOfWords(words), wordsAt);
  return blob;
}
