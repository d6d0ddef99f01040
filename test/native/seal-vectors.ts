/**
 * What SEAL computes from given residues: the reference of the native evaluator.
 *
 * Operands come from a small generator that `native/ckks/tests` repeats, results are kept as
 * hashes of their words and their scale: every bit counts, and the file stays small.
 */
import { createHash } from 'node:crypto';
import type { ClassHandle, MainModule } from 'node-seal/allows';
import { loadSeal, SealContexts, type SealInstance } from '../../src/seal/index.ts';
import { writeCiphertextBlob } from '../../src/seal/ciphertext-blob.ts';
import { keyModuli, type SealParameters } from '../../src/seal/parameters.ts';
import { writeConstantPlaintext } from '../../src/seal/plaintext-blob.ts';
import { bytesOfWords } from '../../src/seal/residues.ts';
import { sealHeaderBytes, writeSealArrayHead, writeSealHeader } from '../../src/seal/seal-blob.ts';
import { toyParameters } from '../seal/toy-parameters.ts';

export interface VectorCase {
  readonly ringDegree: number;
  /** Bits of the data primes. */
  readonly bits: readonly number[];
}

/** All ring degrees that contexts are quick for, 1 to 17 primes, sizes up to SEAL's 60 bits. */
export const vectorCases: readonly VectorCase[] = [
  { ringDegree: 2048, bits: [36] },
  { ringDegree: 2048, bits: [45, 40, 40] },
  { ringDegree: 4096, bits: [49, 30, 36, 49] },
  { ringDegree: 4096, bits: [60, 49, 60, 40] },
  { ringDegree: 8192, bits: [49, 45, 40, 36, 30] },
  { ringDegree: 16384, bits: [44, 42, 42, 42, 42, 42, 42, 42, 42] },
  { ringDegree: 32768, bits: [42, ...Array.from({ length: 16 }, () => 40)] },
];

const scale = 2 ** 10;
/** Coefficients of the transformed polynomial: SEAL centres them before it reduces them. */
const plainModulus = 65537;
/** Numbers that round at this scale, negative and positive. */
const constants = [1.2345678, -3.3] as const;

/** mulberry32 */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return (t ^ (t >>> 14)) >>> 0;
  };
}

/** Residues from 52 random bits; every sixteenth is 0, every sixteenth q − 1. */
function fillResidues(words: BigUint64Array, seed: number, modulus: bigint): void {
  const next = generator(seed);
  for (let i = 0; i < words.length; i++) {
    const high = next();
    const low = next();
    const kind = high & 15;
    if (kind === 0) words[i] = 0n;
    else if (kind === 1) words[i] = modulus - 1n;
    else words[i] = ((BigInt(high >>> 12) << 32n) | BigInt(low)) % modulus;
  }
}

/** Polynomials of a value: residue i of polynomial k is drawn from seed 1000·(value + k) + i. */
function drawn(
  value: number,
  polynomials: number,
  ringDegree: number,
  moduli: readonly bigint[],
): BigUint64Array<ArrayBuffer> {
  const words = new BigUint64Array(polynomials * moduli.length * ringDegree);
  for (let k = 0; k < polynomials; k++) {
    moduli.forEach((modulus, i) => {
      const start = (k * moduli.length + i) * ringDegree;
      fillResidues(words.subarray(start, start + ringDegree), 1000 * (value + k) + i, modulus);
    });
  }
  return words;
}

/** First 16 hex digits of SHA-256 over the words and the scale. */
function fingerprint(blob: unknown, wordsAt: number, words: number, atScale: number): string {
  const bytes = blob as Uint8Array;
  const tail = new Float64Array([atScale]);
  return createHash('sha256')
    .update(bytes.subarray(wordsAt, wordsAt + 8 * words))
    .update(new Uint8Array(tail.buffer))
    .digest('hex')
    .slice(0, 16);
}

const ciphertextWordsAt = 89 + 24;
const plaintextArrayAt = sealHeaderBytes + 32 + 16;
const plaintextWordsAt = plaintextArrayAt + 24;

function plaintextBlob(
  words: BigUint64Array<ArrayBuffer>,
  parmsId: Uint8Array,
  atScale: number,
): Uint8Array<ArrayBuffer> {
  const blob = new Uint8Array(plaintextWordsAt + words.byteLength);
  const view = new DataView(blob.buffer);
  writeSealHeader(view, 0, blob.length);
  blob.set(parmsId, sealHeaderBytes);
  view.setBigUint64(sealHeaderBytes + 32, BigInt(words.length), true);
  view.setFloat64(sealHeaderBytes + 40, atScale, true);
  writeSealArrayHead(view, plaintextArrayAt, words.length);
  blob.set(bytesOfWords(words), plaintextWordsAt);
  return blob;
}

/** The transform of a polynomial modulo every prime: a BFV plaintext goes through it unscaled. */
function transformLine(instance: SealInstance, parameterSet: SealParameters): string {
  const { ringDegree, primes } = parameterSet;
  return instance.call('transforming', (seal) => {
    const owned: ClassHandle[] = [];
    const own = <T extends ClassHandle>(handle: T): T => {
      owned.push(handle);
      return handle;
    };
    try {
      const parameters = own(new seal.EncryptionParameters(seal.SchemeType.bfv));
      const moduli = own(new seal.VectorModulus());
      // SEAL's first level lacks the last prime, the special one.
      for (const prime of keyModuli(parameterSet, primes.length)) {
        moduli.push_back(own(new seal.Modulus(prime)));
      }
      parameters.setPolyModulusDegree(ringDegree);
      parameters.setCoeffModulus(moduli);
      parameters.setPlainModulus(own(new seal.Modulus(BigInt(plainModulus))));
      const context = own(new seal.SEALContext(parameters, false, seal.SecLevelType.none));
      const evaluator = own(new seal.Evaluator(context));
      const next = generator(7);
      const words = BigUint64Array.from({ length: ringDegree }, () =>
        BigInt(next() % plainModulus),
      );
      const plain = own(new seal.Plaintext());
      plain.loadFromArray(context, plaintextBlob(words, new Uint8Array(32), 1));
      evaluator.plainTransformToNttInplace(plain, own(context.firstParmsId()));
      const blob: unknown = plain.saveToArray(seal.ComprModeType.none);
      return `ntt ${fingerprint(blob, plaintextWordsAt, ringDegree * primes.length, 1)}`;
    } finally {
      for (const handle of owned.reverse()) handle.delete();
    }
  });
}

/** The lines of one case: its parameters, then an operation and the fingerprint of its result. */
export async function vectorLines({ ringDegree, bits }: VectorCase): Promise<readonly string[]> {
  const instance = await loadSeal();
  const parameters = toyParameters(ringDegree, bits);
  const { primes } = parameters;
  const head = `case ${ringDegree} ${keyModuli(parameters, primes.length).join(',')}`;
  const transform = transformLine(instance, parameters);
  using contexts = new SealContexts(instance, parameters);
  const lines = instance.call('computing vectors', (seal) =>
    evaluatorLines(seal, contexts, parameters),
  );
  return [head, transform, ...lines];
}

function evaluatorLines(
  seal: MainModule,
  contexts: SealContexts,
  { ringDegree, primes }: SealParameters,
): readonly string[] {
  const context = contexts.chain();
  const parmsId = contexts.parmsId(primes.length);
  const meta = { ringDegree, moduli: primes.length, parmsId, scale };
  const owned: ClassHandle[] = [];
  const own = <T extends ClassHandle>(handle: T): T => {
    owned.push(handle);
    return handle;
  };
  const lines: string[] = [];
  try {
    const evaluator = own(new seal.Evaluator(context));
    const fresh = () => own(new seal.Ciphertext());
    const encrypted = (value: number) => {
      const result = fresh();
      const words = drawn(value, 2, ringDegree, primes);
      result.loadFromArray(context, writeCiphertextBlob(meta, words));
      return result;
    };
    const encoded = (blob: Uint8Array) => {
      const result = own(new seal.Plaintext());
      result.loadFromArray(context, blob);
      return result;
    };
    const constant = (value: number) =>
      encoded(writeConstantPlaintext(value, scale, ringDegree, primes, parmsId));
    const keep = (name: string, compute: (out: ReturnType<typeof fresh>) => void) => {
      const out = fresh();
      compute(out);
      const words = out.size() * out.coeffModulusSize() * ringDegree;
      const blob: unknown = out.saveToArray(seal.ComprModeType.none);
      lines.push(`${name} ${fingerprint(blob, ciphertextWordsAt, words, out.scale())}`);
      return out;
    };
    const a = encrypted(0);
    const b = encrypted(10);
    const p = encoded(plaintextBlob(drawn(20, 1, ringDegree, primes), parmsId, scale));
    keep('add', (out) => {
      evaluator.add(a, b, out);
    });
    keep('sub', (out) => {
      evaluator.sub(a, b, out);
    });
    keep('negate', (out) => {
      evaluator.negate(a, out);
    });
    keep('add_plain', (out) => {
      evaluator.addPlain(a, p, out);
    });
    keep('sub_plain', (out) => {
      evaluator.subPlain(a, p, out);
    });
    keep('mul_plain', (out) => {
      evaluator.multiplyPlain(a, p, out);
    });
    keep('add_constant', (out) => {
      evaluator.addPlain(a, constant(constants[0]), out);
    });
    keep('mul_constant', (out) => {
      evaluator.multiplyPlain(a, constant(constants[1]), out);
    });
    const product = keep('multiply', (out) => {
      evaluator.multiply(a, b, out);
    });
    keep('square', (out) => {
      evaluator.square(a, out);
    });
    if (primes.length > 1) {
      keep('rescale', (out) => {
        evaluator.rescaleToNext(a, out);
      });
      keep('rescale_product', (out) => {
        evaluator.rescaleToNext(product, out);
      });
      keep('drop', (out) => {
        evaluator.cipherModSwitchToNext(b, out);
      });
    }
    // Down to one prime: the inverse transform of every prime.
    let last = a;
    for (let left = primes.length; left > 1; left--) {
      const next = fresh();
      evaluator.rescaleToNext(last, next);
      last = next;
    }
    keep('rescale_all', (out) => {
      out.assign(last);
    });
    return lines;
  } finally {
    for (const handle of owned.reverse()) handle.delete();
  }
}
