/**
 * The secret key, and everything that is done with it. Only `src/client` imports this file.
 *
 * All cryptography is SEAL's: it draws the key, the errors and the seeds. This file moves bytes; for
 * keys of several special primes, which SEAL does not know, `switched-secret.ts` adds P·s′ to
 * encryptions of zero.
 */
import type {
  CKKSEncoder,
  ComprModeType,
  Decryptor,
  Encryptor,
  KeyGenerator,
  MainModule,
  SEALContext,
  SecretKey as RawSecretKey,
} from 'node-seal/allows';
import { CipherloomError, InternalError, invariant } from '../errors.ts';
import { keyDigits } from '../layout/key-digits.ts';
import {
  checkCiphertextBlob,
  ciphertextBlobBytes,
  type CiphertextExpectation,
} from './ciphertext-blob.ts';
import type { SealContexts } from './contexts.ts';
import { requireEncodable } from './encode-bounds.ts';
import { SealHandle, type SealInstance } from './load-seal.ts';
import { keyModuli, parameterDigest, type SealParameters } from './parameters.ts';
import { bytesOfWords, findUnreduced, wordsOf } from './residues.ts';
import {
  findHeaderFault,
  parmsIdBytes,
  sealArrayHeadBytes,
  sealHeaderBytes,
  writeSealArrayHead,
  writeSealHeader,
} from './seal-blob.ts';
import { parseHash, sameBytes, sha256, sha256Bytes } from './sha256.ts';
import { addSwitched, SwitchedSecrets } from './switched-secret.ts';
import {
  checkStep,
  packDigits,
  readSavedDigit,
  readSavedSwitchingKey,
  type KeySpace,
  type SwitchingKeyRequest,
} from './switching-key-blob.ts';

/**
 * A dense ternary secret, transformed, modulo every prime of the chain and the special primes.
 *
 * Lives in JavaScript memory so that it survives a broken WebAssembly instance; `dispose` wipes it.
 */
export class SecretKey implements Disposable {
  readonly parameters: SealParameters;
  readonly #words: BigUint64Array<ArrayBuffer>;
  #wiped = false;

  /** @param words [primes + special primes][ringDegree], owned by the key from now on */
  constructor(parameters: SealParameters, words: BigUint64Array<ArrayBuffer>) {
    invariant(words.length === residueCount(parameters), 'a secret key has one residue per prime');
    this.parameters = parameters;
    this.#words = words;
  }

  /** Residues, shared: for this file's writers only. */
  get words(): BigUint64Array<ArrayBuffer> {
    if (this.#wiped) {
      throw new CipherloomError('USE_AFTER_DISPOSE', 'the secret key was wiped', {
        phase: 'client',
        hint: 'import or generate it again',
      });
    }
    return this.#words;
  }

  [Symbol.dispose](): void {
    this.#wiped = true;
    this.#words.fill(0n);
  }
}

function residueCount({ ringDegree, primes, specialPrimes }: SealParameters): number {
  return (primes.length + specialPrimes.length) * ringDegree;
}

// SEAL's serialised secret key is a plaintext: header 16 · parms_id 32 · coefficients 8 · scale 8 ·
// array. Source: microsoft/SEAL v4.1.2 native/src/seal/plaintext.cpp save_members.
const blobArrayAt = sealHeaderBytes + parmsIdBytes + 16;
const blobWordsAt = blobArrayAt + sealArrayHeadBytes;

function noCompression(seal: MainModule): ComprModeType {
  return seal.ComprModeType.none;
}

function savedBytes(saved: unknown): Uint8Array<ArrayBuffer> {
  invariant(saved instanceof Uint8Array, 'SEAL saves bytes');
  return saved as Uint8Array<ArrayBuffer>;
}

/** Draw a new secret key. Cost: one context over all primes, then milliseconds. */
export function generateSecretKey(contexts: SealContexts): SecretKey {
  const { parameters, instance } = contexts;
  const context = contexts.keys(parameters.primes.length);
  const blob = instance.call('generating a secret key', (seal) => {
    using generator = new SealHandle(instance, new seal.KeyGenerator(context));
    using key = new SealHandle(instance, generator.raw.secretKey());
    return savedBytes(key.raw.saveToArray(noCompression(seal)));
  });
  const view = new DataView(blob.buffer, blob.byteOffset, blob.byteLength);
  const count = residueCount(parameters);
  if (
    findHeaderFault(view, 0, blobWordsAt + 8 * count) !== null ||
    blob.length !== blobWordsAt + 8 * count
  ) {
    throw new InternalError('SEAL saved a secret key of another form');
  }
  const key = new SecretKey(parameters, wordsOf(blob, blobWordsAt, count));
  blob.fill(0);
  return key;
}

/**
 * The secret key in SEAL's form for a context of `primeCount` data primes and the first special
 * primes. The caller wipes it.
 */
function restrictedBlob(
  key: SecretKey,
  parmsId: Uint8Array,
  primeCount: number,
  specialCount: number,
): Uint8Array<ArrayBuffer> {
  const { ringDegree, primes } = key.parameters;
  const count = (primeCount + specialCount) * ringDegree;
  const blob = new Uint8Array(blobWordsAt + 8 * count);
  const view = new DataView(blob.buffer);
  writeSealHeader(view, 0, blob.length);
  blob.set(parmsId, sealHeaderBytes);
  view.setBigUint64(sealHeaderBytes + parmsIdBytes, BigInt(count), true);
  view.setFloat64(sealHeaderBytes + parmsIdBytes + 8, 1, true);
  writeSealArrayHead(view, blobArrayAt, count);
  const bytes = bytesOfWords(key.words);
  const data = 8 * primeCount * ringDegree;
  blob.set(bytes.subarray(0, data), blobWordsAt);
  const special = 8 * primes.length * ringDegree;
  blob.set(bytes.subarray(special, special + 8 * specialCount * ringDegree), blobWordsAt + data);
  return blob;
}

/** The secret in one context. */
interface KeyObjects {
  readonly secret: SealHandle<RawSecretKey>;
  readonly generator: SealHandle<KeyGenerator>;
}

/** Objects of one level that hold the secret. */
interface LevelObjects extends KeyObjects {
  encryptor: SealHandle<Encryptor> | null;
  decryptor: SealHandle<Decryptor> | null;
  encoder: SealHandle<CKKSEncoder> | null;
}

/**
 * Encrypts, decrypts and makes evaluation keys with one secret key in one WebAssembly instance.
 *
 * Cost: the first use of a level makes its context (see `contexts.ts`).
 */
export class SecretKeyUser implements Disposable {
  readonly #contexts: SealContexts;
  readonly #key: SecretKey;
  readonly #levels = new Map<number, LevelObjects>();
  /** The context of keys with several special primes that is in use, by its data primes. */
  #keys: { readonly primeCount: number; readonly objects: KeyObjects } | null = null;
  #switched: SwitchedSecrets | null = null;

  constructor(contexts: SealContexts, key: SecretKey) {
    this.#contexts = contexts;
    this.#key = key;
  }

  /**
   * Encode and encrypt a vector, symmetrically and seeded.
   *
   * Shapes  values [slots]
   * Error   coefficients of variance σ² + 1/12, σ² = 10.5: 2.7 bits better than with a public key
   * Throws  INPUT_INVALID when a value is not finite or too large for the level
   */
  encrypt(
    values: Float64Array,
    scale: number,
    primeCount: number,
    what: string,
  ): Uint8Array<ArrayBuffer> {
    const contexts = this.#contexts;
    const { instance, parameters } = contexts;
    requireEncodable(contexts, values, scale, primeCount, what);
    const level = this.#level(primeCount);
    const blob = instance.call('encrypting', (seal) => {
      const context = contexts.level(primeCount);
      if (level.encryptor === null) {
        // SEAL's constructor wants a public key, though symmetric encryption has no use for it.
        using publicKey = new SealHandle(instance, level.generator.raw.createPublicKey());
        level.encryptor = new SealHandle(
          instance,
          new seal.Encryptor(context, publicKey.raw, level.secret.raw),
        );
      }
      level.encoder ??= new SealHandle(instance, new seal.CKKSEncoder(context));
      using plaintext = new SealHandle(instance, new seal.Plaintext());
      level.encoder.raw.encode(values, scale, plaintext.raw);
      using saved = new SealHandle(
        instance,
        level.encryptor.raw.encryptSymmetricSerializable(plaintext.raw),
      );
      return savedBytes(saved.raw.saveToArray(noCompression(seal)));
    });
    invariant(
      blob.length === ciphertextBlobBytes(parameters.ringDegree, primeCount, 'seeded'),
      'SEAL writes seeded ciphertexts of the predicted length',
    );
    return blob;
  }

  /**
   * Check, decrypt and decode a ciphertext.
   *
   * Returns [slots] real parts. Throws CIPHERTEXT_* before WebAssembly sees the bytes.
   */
  decrypt(
    blob: Uint8Array,
    expected: Pick<CiphertextExpectation, 'name' | 'index' | 'scale' | 'form'>,
    primeCount: number,
  ): Float64Array<ArrayBuffer> {
    const contexts = this.#contexts;
    const { instance, parameters } = contexts;
    checkCiphertextBlob(blob, {
      ...expected,
      ringDegree: parameters.ringDegree,
      moduli: contexts.moduli(primeCount),
      parmsId: contexts.parmsId(primeCount),
    });
    const level = this.#level(primeCount);
    return instance.call('decrypting', (seal) => {
      const context = contexts.level(primeCount);
      level.decryptor ??= new SealHandle(instance, new seal.Decryptor(context, level.secret.raw));
      level.encoder ??= new SealHandle(instance, new seal.CKKSEncoder(context));
      using ciphertext = new SealHandle(instance, new seal.Ciphertext());
      ciphertext.raw.loadFromArray(context, blob);
      using plaintext = new SealHandle(instance, new seal.Plaintext());
      level.decryptor.raw.decrypt(ciphertext.raw, plaintext.raw);
      const values: unknown = level.encoder.raw.decodeFloat64(plaintext.raw);
      invariant(values instanceof Float64Array, 'SEAL decodes to doubles');
      return values as Float64Array<ArrayBuffer>;
    });
  }

  /**
   * Make one switching key in the form that is sent (`switchingKeyBytes` long).
   *
   * Cost: see `Client.generateKeys`; with several special primes 0.2 µs more a coefficient.
   */
  makeSwitchingKey(request: SwitchingKeyRequest): Uint8Array<ArrayBuffer> {
    const contexts = this.#contexts;
    const { instance, parameters } = contexts;
    if (request.kind === 'rotation') checkStep(parameters.ringDegree, request.step);
    if (parameters.specialPrimes.length > 1) return this.#makeHybridKey(request);
    const level = this.#level(request.primeCount);
    const blob = instance.call('making a switching key', (seal) => {
      const generator = level.generator.raw;
      using saved = new SealHandle(
        instance,
        request.kind === 'relinearisation'
          ? generator.createRelinKeysSerializable()
          : generator.createGaloisKeysSerializableWithSteps(Int32Array.of(request.step)),
      );
      return savedBytes(saved.raw.saveToArray(noCompression(seal)));
    });
    return readSavedSwitchingKey(blob, request, this.#keySpace(request.primeCount));
  }

  /** For every digit a fresh encryption of zero by SEAL, to which P·s′ is added. */
  #makeHybridKey(request: SwitchingKeyRequest): Uint8Array<ArrayBuffer> {
    const { instance, parameters } = this.#contexts;
    const { primeCount } = request;
    const { generator } = this.#keyObjects(primeCount);
    const space = this.#keySpace(primeCount);
    this.#switched ??= new SwitchedSecrets(parameters, this.#key.words);
    const switched = this.#switched.of(request);
    try {
      const digits = keyDigits(primeCount, parameters.specialPrimes.length);
      return packDigits(digits.length, space, (j) => {
        const blob = instance.call('encrypting zero', (seal) => {
          using saved = new SealHandle(instance, generator.raw.createPublicKeySerializable());
          return savedBytes(saved.raw.saveToArray(noCompression(seal)));
        });
        const digit = readSavedDigit(blob, j, space);
        addSwitched(digit.words, switched, digits[j]!, parameters);
        return digit;
      });
    } finally {
      switched.fill(0n);
    }
  }

  #keySpace(primeCount: number): KeySpace {
    const { parameters } = this.#contexts;
    return {
      ringDegree: parameters.ringDegree,
      moduli: keyModuli(parameters, primeCount),
      parmsId: this.#contexts.keyParmsId(primeCount),
    };
  }

  /** Free the objects of a level: key generation walks many, encryption needs one. */
  releaseLevel(primeCount: number): void {
    const level = this.#levels.get(primeCount);
    if (level === undefined) return;
    this.#levels.delete(primeCount);
    level.encryptor?.dispose();
    level.decryptor?.dispose();
    level.encoder?.dispose();
    disposeKeyObjects(level);
  }

  [Symbol.dispose](): void {
    for (const primeCount of [...this.#levels.keys()]) this.releaseLevel(primeCount);
    if (this.#keys !== null) disposeKeyObjects(this.#keys.objects);
    this.#keys = null;
    this.#switched?.[Symbol.dispose]();
    this.#switched = null;
  }

  #keyObjects(primeCount: number): KeyObjects {
    if (this.#keys?.primeCount === primeCount) return this.#keys.objects;
    if (this.#keys !== null) disposeKeyObjects(this.#keys.objects);
    this.#keys = null;
    const contexts = this.#contexts;
    const { length } = contexts.parameters.specialPrimes;
    const parmsId = contexts.keyParmsId(primeCount);
    const blob = restrictedBlob(this.#key, parmsId, primeCount, length);
    const objects = loadKeyObjects(contexts.instance, contexts.keys(primeCount), blob);
    this.#keys = { primeCount, objects };
    return objects;
  }

  #level(primeCount: number): LevelObjects {
    const known = this.#levels.get(primeCount);
    if (known !== undefined) return known;
    const contexts = this.#contexts;
    const blob = restrictedBlob(this.#key, contexts.levelParmsId(primeCount), primeCount, 1);
    const objects = loadKeyObjects(contexts.instance, contexts.level(primeCount), blob);
    const level = { ...objects, encryptor: null, decryptor: null, encoder: null };
    this.#levels.set(primeCount, level);
    return level;
  }
}

/** Hand the secret to SEAL; the blob is wiped. */
function loadKeyObjects(
  instance: SealInstance,
  context: SEALContext,
  blob: Uint8Array<ArrayBuffer>,
): KeyObjects {
  try {
    return instance.call('loading the secret key', (seal): KeyObjects => {
      const secret = new SealHandle(instance, new seal.SecretKey());
      secret.raw.loadFromArray(context, blob);
      const generator = new SealHandle(instance, new seal.KeyGenerator(context, secret.raw));
      return { secret, generator };
    });
  } finally {
    blob.fill(0);
  }
}

function disposeKeyObjects({ generator, secret }: KeyObjects): void {
  generator.dispose();
  secret.dispose();
}

/** The plan that keys belong to. */
export interface SecretKeyBinding {
  /** Hex. */
  readonly planHash: string;
  readonly parameters: SealParameters;
}

const fileMagic = new TextEncoder().encode('CLOOMSK\0');
const fileVersion = 1;
const fileHead = 8 + 8 + sha256Bytes + sha256Bytes;

/** Exact size of a secret key file. */
export function secretKeyFileBytes(parameters: SealParameters): number {
  return fileHead + 8 * residueCount(parameters) + sha256Bytes;
}

/**
 * Write a secret key file: whoever has these bytes can read every ciphertext of the key.
 *
 * Layout  'CLOOMSK\0' · version 4 · zero 4 · plan hash 32 · parameter digest 32 · residues · SHA-256
 */
export async function writeSecretKey(
  key: SecretKey,
  binding: SecretKeyBinding,
): Promise<Uint8Array<ArrayBuffer>> {
  const planHash = parseHash(binding.planHash);
  invariant(planHash !== null, 'a plan hash has 64 hex digits');
  const file = new Uint8Array(secretKeyFileBytes(binding.parameters));
  file.set(fileMagic);
  new DataView(file.buffer).setUint32(8, fileVersion, true);
  file.set(planHash, 16);
  file.set(await parameterDigest(binding.parameters), 48);
  file.set(bytesOfWords(key.words), fileHead);
  const body = file.length - sha256Bytes;
  file.set(await sha256(file.subarray(0, body)), body);
  return file;
}

/**
 * Read a secret key file.
 *
 * Throws SECRET_KEY_INVALID naming the field; never any of the content.
 */
export async function readSecretKey(
  bytes: Uint8Array,
  binding: SecretKeyBinding,
): Promise<SecretKey> {
  const refuse = (reason: string, details: Readonly<Record<string, unknown>> = {}): never => {
    throw new CipherloomError('SECRET_KEY_INVALID', `secret key: ${reason}`, {
      phase: 'client',
      details,
      hint: 'use the secret.key that keygen wrote for this plan',
    });
  };
  if (bytes.length < fileHead || !sameBytes(bytes.subarray(0, 8), fileMagic)) {
    refuse('not a secret key file', { bytes: bytes.length });
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const version = view.getUint32(8, true);
  if (version !== fileVersion) {
    refuse(`format version is ${version}, this build reads ${fileVersion}`, { version });
  }
  const planHash = parseHash(binding.planHash);
  if (planHash === null || !sameBytes(bytes.subarray(16, 48), planHash)) {
    refuse('it belongs to another plan', { expected: binding.planHash });
  }
  if (!sameBytes(bytes.subarray(48, 80), await parameterDigest(binding.parameters))) {
    refuse('it belongs to other parameters');
  }
  const size = secretKeyFileBytes(binding.parameters);
  if (bytes.length !== size) {
    refuse(`it has ${bytes.length} bytes, expected ${size}`, { got: bytes.length, expected: size });
  }
  const body = size - sha256Bytes;
  const copy = bytes.slice(0, body);
  try {
    if (!sameBytes(bytes.subarray(body), await sha256(copy))) {
      refuse('its checksum does not match; the file is damaged');
    }
    const { ringDegree, primes, specialPrimes } = binding.parameters;
    const words = wordsOf(copy, fileHead, residueCount(binding.parameters));
    if (findUnreduced(words, ringDegree, [...primes, ...specialPrimes]) >= 0) {
      refuse('a residue is not below its prime');
    }
    return new SecretKey(binding.parameters, words);
  } finally {
    copy.fill(0);
  }
}
