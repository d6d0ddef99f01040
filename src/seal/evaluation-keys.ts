/**
 * The evaluation-key bundle: every switching key of one secret key for one plan, seeded and
 * trimmed, readable key by key.
 *
 * All lengths follow from the plan, so a reader knows the exact size of every part before it reads
 * or allocates anything.
 *
 * Layout  head: 'CLOOMEVK' · version 4 · head bytes 4 · plan hash 32 · parameter digest 32 ·
 *         ring degree 4 · primes 4 · file bytes 8 · keys 4 · zero 4 ·
 *         per key: kind 4 · step 4 · primes 4 · zero 4 · offset 8 · bytes 8 ·
 *         SHA-256 of the head so far 32 · zeros to a multiple of 64
 *         then per key: the key as `switchingKeyBytes` describes it · SHA-256 of it 32 · zeros 32
 *         Numbers are little-endian; keys start at multiples of 64 bytes, so the file can be
 *         mapped. The generator of the seeds is Blake2Xb; a seed expands over the key's own
 *         moduli, data primes first, then special primes.
 */
import { CipherloomError, invariant } from '../errors.ts';
import type { ClientPlan } from '../layout/client-plan.ts';
import { keyBundleBytes, keyHeadBytes, keyTrailerBytes } from '../layout/key-bytes.ts';
import { keyDigitCount } from '../layout/key-digits.ts';
import type { ByteSource } from './byte-source.ts';
import { keyModuli, parameterDigest, type SealParameters } from './parameters.ts';
import { findUnreduced } from './residues.ts';
import { formatHash, parseHash, sameBytes, sha256, sha256Bytes } from './sha256.ts';
import {
  readSentDigit,
  switchingKeyBytes,
  type SentDigit,
  type SwitchingKeyRequest,
} from './switching-key-blob.ts';

/** The plan that keys belong to. */
export interface KeyBinding {
  /** Hex. */
  readonly planHash: string;
  readonly parameters: SealParameters;
}

const magic = new TextEncoder().encode('CLOOMEVK');
const secretMagic = new TextEncoder().encode('CLOOMSK\0');
const version = 1;
const fixedHeadBytes = 104;
const entryBytes = 32;
/** Rotations of the largest ring, and relinearisation. */
const maxKeys = 65536;

const kinds = ['relinearisation', 'rotation'] as const;

interface Entry extends SwitchingKeyRequest {
  readonly offset: number;
  readonly bytes: number;
}

/** The keys a plan asks for: relinearisation first, then rotations as listed. */
export function keyRequests(keys: ClientPlan['keys']): SwitchingKeyRequest[] {
  const { relinearisation, rotations } = keys;
  return [
    ...(relinearisation === null
      ? []
      : [{ kind: 'relinearisation', step: 0, primeCount: relinearisation.primes } as const]),
    ...rotations.map(
      ({ step, primes }) => ({ kind: 'rotation', step, primeCount: primes }) as const,
    ),
  ];
}

function entriesOf(parameters: SealParameters, requests: readonly SwitchingKeyRequest[]): Entry[] {
  let offset = keyHeadBytes(requests.length);
  return requests.map((request) => {
    const bytes = switchingKeyBytes(parameters, request.primeCount);
    const entry = { ...request, offset, bytes };
    offset += bytes + keyTrailerBytes;
    return entry;
  });
}

/** Exact size of a bundle in bytes. */
export function evaluationKeyBytes(
  parameters: SealParameters,
  requests: readonly SwitchingKeyRequest[],
): number {
  const { ringDegree, primes, specialPrimes } = parameters;
  return keyBundleBytes(
    { ringDegree, primes, specialPrimes },
    requests.map(({ primeCount }) => primeCount),
  );
}

/**
 * Write a bundle piece by piece; `make` is asked for one key at a time, so memory stays at one key.
 */
export async function* writeEvaluationKeys(
  binding: KeyBinding,
  requests: readonly SwitchingKeyRequest[],
  make: (request: SwitchingKeyRequest, index: number) => Uint8Array<ArrayBuffer>,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void, void> {
  const { parameters } = binding;
  const planHash = parseHash(binding.planHash);
  invariant(planHash !== null, 'a plan hash has 64 hex digits');
  invariant(requests.length <= maxKeys, 'too many keys');
  const entries = entriesOf(parameters, requests);
  const head = new Uint8Array(keyHeadBytes(requests.length));
  const view = new DataView(head.buffer);
  head.set(magic);
  view.setUint32(8, version, true);
  view.setUint32(12, head.length, true);
  head.set(planHash, 16);
  head.set(await parameterDigest(parameters), 48);
  view.setUint32(80, parameters.ringDegree, true);
  view.setUint32(84, parameters.primes.length, true);
  view.setBigUint64(88, BigInt(evaluationKeyBytes(parameters, requests)), true);
  view.setUint32(96, requests.length, true);
  entries.forEach((entry, index) => {
    const at = fixedHeadBytes + index * entryBytes;
    view.setUint32(at, kinds.indexOf(entry.kind), true);
    view.setInt32(at + 4, entry.step, true);
    view.setUint32(at + 8, entry.primeCount, true);
    view.setBigUint64(at + 16, BigInt(entry.offset), true);
    view.setBigUint64(at + 24, BigInt(entry.bytes), true);
  });
  const hashed = fixedHeadBytes + entries.length * entryBytes;
  head.set(await sha256(head.subarray(0, hashed)), hashed);
  yield head;

  for (const [index, entry] of entries.entries()) {
    const key = make(entry, index);
    invariant(key.length === entry.bytes, 'a switching key has the predicted length');
    yield key;
    const trailer = new Uint8Array(keyTrailerBytes);
    trailer.set(await sha256(key));
    yield trailer;
  }
}

/** One switching key as it was sent. */
export interface SentSwitchingKey {
  readonly request: SwitchingKeyRequest;
  /** See `src/layout/key-digits.ts`; coefficients are checked. */
  readonly digits: readonly SentDigit[];
}

function refuseKeys(
  message: string,
  details: Readonly<Record<string, unknown>>,
  hint = 'transfer the file again, or make the keys again with keygen',
): never {
  throw new CipherloomError('KEYS_INVALID', `evaluation keys: ${message}`, {
    phase: 'seal',
    details,
    hint,
  });
}

/** Bytes of a file that tell a secret key from a bundle. */
export const keyFileMagicBytes = magic.length;

/** Refuse a secret key by its first bytes, before anything of it is stored. Throws KEYS_INVALID. */
export function refuseSecretKey(start: Uint8Array): void {
  if (!sameBytes(start.subarray(0, secretMagic.length), secretMagic)) return;
  refuseKeys(
    'this is a secret key; it was not stored',
    { offset: 0 },
    'keep secret.key to yourself and send evaluation.keys',
  );
}

/** A bundle whose head was checked; keys are read, and checked, one at a time. */
export class EvaluationKeys {
  readonly binding: KeyBinding;
  readonly byteLength: number;
  readonly requests: readonly SwitchingKeyRequest[];
  readonly #source: ByteSource;
  readonly #entries: readonly Entry[];

  private constructor(source: ByteSource, binding: KeyBinding, entries: readonly Entry[]) {
    this.#source = source;
    this.binding = binding;
    this.byteLength = source.byteLength;
    this.requests = entries;
    this.#entries = entries;
  }

  /**
   * Read and check the head of a bundle.
   *
   * Cost    no more memory than the head, at most 2 MiB
   * Throws  KEYS_INVALID with the offset for anything malformed or of the wrong length;
   *         KEYS_MISMATCH when the keys belong to another plan or other parameters
   */
  static async open(source: ByteSource, binding: KeyBinding): Promise<EvaluationKeys> {
    const { parameters } = binding;
    const size = source.byteLength;
    if (size < keyHeadBytes(0)) {
      refuseKeys(`the file has ${size} bytes, a bundle has at least ${keyHeadBytes(0)}`, {
        got: size,
        offset: 0,
      });
    }
    const fixed = await source.read(0, fixedHeadBytes);
    const fixedView = new DataView(fixed.buffer, fixed.byteOffset, fixed.byteLength);
    refuseSecretKey(fixed);
    if (!sameBytes(fixed.subarray(0, 8), magic)) {
      refuseKeys('this is not an evaluation-key bundle', { offset: 0 });
    }
    const got = fixedView.getUint32(8, true);
    if (got !== version) {
      refuseKeys(
        `format version is ${got}, this build reads ${version}`,
        { got, expected: version, offset: 8 },
        'make the keys with the same release as the evaluator',
      );
    }
    const count = fixedView.getUint32(96, true);
    if (count > maxKeys) {
      refuseKeys(`${count} keys are more than ${maxKeys}`, { got: count, offset: 96 });
    }
    const headBytes = fixedView.getUint32(12, true);
    if (headBytes !== keyHeadBytes(count) || headBytes > size) {
      refuseKeys(`the head states ${headBytes} bytes, ${count} keys need ${keyHeadBytes(count)}`, {
        got: headBytes,
        expected: keyHeadBytes(count),
        offset: 12,
      });
    }
    const head = await source.read(0, headBytes);
    const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
    const hashed = fixedHeadBytes + count * entryBytes;
    if (!sameBytes(await sha256(head.subarray(0, hashed)), head.subarray(hashed, hashed + 32))) {
      refuseKeys('the checksum of the head does not match', { offset: hashed });
    }
    if (head.subarray(hashed + 32).some((byte) => byte !== 0)) {
      refuseKeys('the padding of the head is not zero', { offset: hashed + 32 });
    }

    const planHash = parseHash(binding.planHash);
    if (planHash === null || !sameBytes(head.subarray(16, 48), planHash)) {
      refuseMismatch(
        'they belong to another plan',
        formatHash(head.subarray(16, 48)),
        binding.planHash,
      );
    }
    const digest = await parameterDigest(parameters);
    if (!sameBytes(head.subarray(48, 80), digest)) {
      refuseMismatch(
        `they belong to other parameters (ring degree ${view.getUint32(80, true)}, expected ${parameters.ringDegree})`,
        formatHash(head.subarray(48, 80)),
        formatHash(digest),
      );
    }

    const requests = Array.from({ length: count }, (_, index) =>
      readRequest(view, fixedHeadBytes + index * entryBytes, parameters),
    );
    const entries = entriesOf(parameters, requests);
    entries.forEach((entry, index) => {
      const at = fixedHeadBytes + index * entryBytes;
      if (
        view.getBigUint64(at + 16, true) !== BigInt(entry.offset) ||
        view.getBigUint64(at + 24, true) !== BigInt(entry.bytes)
      ) {
        refuseKeys(`key ${index} states another offset or length than its primes give`, {
          index,
          offset: at + 16,
          expected: { offset: entry.offset, bytes: entry.bytes },
        });
      }
    });
    const expected = evaluationKeyBytes(parameters, requests);
    if (view.getBigUint64(88, true) !== BigInt(expected) || size !== expected) {
      refuseKeys(`the file has ${size} bytes, expected exactly ${expected}`, {
        got: size,
        expected,
        offset: 88,
      });
    }
    const names = new Set(requests.map((request) => `${request.kind} ${request.step}`));
    if (names.size !== requests.length)
      refuseKeys('a key occurs twice', { offset: fixedHeadBytes });
    return new EvaluationKeys(source, binding, entries);
  }

  /** Refuse a bundle that lacks a key, or holds one for too few primes. Throws KEYS_INVALID. */
  require(requests: readonly SwitchingKeyRequest[]): void {
    const missing = requests.filter((request) => {
      const entry = this.find(request.kind, request.step);
      return entry === null || entry.primeCount < request.primeCount;
    });
    if (missing.length === 0) return;
    const names = missing.map(({ kind, step }) =>
      kind === 'rotation' ? `rotation ${step}` : kind,
    );
    const shown = names.slice(0, 16).join(', ');
    refuseKeys(
      `${missing.length} of ${requests.length} keys are missing or trimmed too far: ${shown}${names.length > 16 ? ', …' : ''}`,
      { missing: names },
      'make the keys again with keygen for this plan',
    );
  }

  find(kind: SwitchingKeyRequest['kind'], step: number): SwitchingKeyRequest | null {
    return this.#entries.find((entry) => entry.kind === kind && entry.step === step) ?? null;
  }

  /**
   * Read one key and check its checksum and coefficients.
   *
   * Throws KEYS_INVALID with the offset in the file
   */
  async read(request: SwitchingKeyRequest): Promise<SentSwitchingKey> {
    const entry = this.#entries.find(
      ({ kind, step }) => kind === request.kind && step === request.step,
    );
    if (entry === undefined) {
      refuseKeys(`there is no key for ${request.kind} ${request.step}`, { step: request.step });
    }
    const { ringDegree, specialPrimes } = this.binding.parameters;
    const record = await this.#source.read(entry.offset, entry.bytes + keyTrailerBytes);
    const payload = record.subarray(0, entry.bytes);
    const what = `${entry.kind} ${entry.step}`;
    if (
      !sameBytes(await sha256(payload), record.subarray(entry.bytes, entry.bytes + sha256Bytes))
    ) {
      refuseKeys(`the checksum of ${what} does not match`, { offset: entry.offset });
    }
    if (record.subarray(entry.bytes + sha256Bytes).some((byte) => byte !== 0)) {
      refuseKeys(`the padding after ${what} is not zero`, { offset: entry.offset + entry.bytes });
    }
    const moduli = keyModuli(this.binding.parameters, entry.primeCount);
    const count = keyDigitCount(entry.primeCount, specialPrimes.length);
    const digits = Array.from({ length: count }, (_, j) => {
      const digit = readSentDigit(payload, count, j, ringDegree, moduli);
      const unreduced = findUnreduced(digit.words, ringDegree, moduli);
      if (unreduced >= 0) {
        refuseKeys(`coefficient ${unreduced} of digit ${j} of ${what} is not below its prime`, {
          offset: entry.offset,
          digit: j,
          got: String(digit.words[unreduced]),
          limit: String(moduli[Math.floor(unreduced / ringDegree)]),
        });
      }
      return digit;
    });
    return { request: entry, digits };
  }

  /** Read and check every key: what a server does before it stores a bundle. */
  async verify(): Promise<void> {
    for (const entry of this.#entries) await this.read(entry);
  }
}

function refuseMismatch(message: string, got: string, expected: string): never {
  throw new CipherloomError('KEYS_MISMATCH', `evaluation keys: ${message}`, {
    phase: 'seal',
    details: { got, expected },
    hint: 'make keys for this plan with keygen',
  });
}

function readRequest(view: DataView, at: number, parameters: SealParameters): SwitchingKeyRequest {
  const kind = kinds[view.getUint32(at, true)];
  if (kind === undefined) {
    refuseKeys(`unknown kind of key ${view.getUint32(at, true)}`, { offset: at });
  }
  const step = view.getInt32(at + 4, true);
  const slots = parameters.ringDegree / 2;
  if (kind === 'relinearisation' ? step !== 0 : step === 0 || Math.abs(step) >= slots) {
    refuseKeys(`step ${step} is outside −${slots} … ${slots}`, { got: step, offset: at + 4 });
  }
  const primeCount = view.getUint32(at + 8, true);
  if (primeCount < 1 || primeCount > parameters.primes.length) {
    refuseKeys(`${primeCount} primes are outside 1 … ${parameters.primes.length}`, {
      got: primeCount,
      offset: at + 8,
    });
  }
  return { kind, step, primeCount };
}
