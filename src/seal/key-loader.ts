/**
 * Turns sent switching keys into SEAL's, one key per object, under a memory cap.
 *
 * WebAssembly ends at 4 GiB and never gives memory back, so keys are loaded when a rotation first
 * needs them and the least recently used ones are freed. A key is loaded for exactly the number of
 * primes of the value it meets: sent for more, it is expanded and trimmed further.
 */
import type { GaloisKeys, RelinKeys } from 'node-seal/allows';
import { CipherloomError, invariant } from '../errors.ts';
import { ciphertextBlobBytes, readCiphertextBlob, writeCiphertextBlob } from './ciphertext-blob.ts';
import type { SealContexts } from './contexts.ts';
import type { EvaluationKeys, SentSwitchingKey } from './evaluation-keys.ts';
import { SealHandle } from './load-seal.ts';
import { keyModuli, requireOneSpecialPrime } from './parameters.ts';
import {
  keyEntry,
  residentKeyBytes,
  writeSeededDigit,
  writeSwitchingKeyBlob,
  type KeySpace,
  type SwitchingKeyRequest,
} from './switching-key-blob.ts';

/** A key in WebAssembly memory, for values of exactly `primeCount` primes. */
export type LoadedKey =
  | {
      readonly kind: 'rotation';
      readonly step: number;
      readonly primeCount: number;
      readonly keys: SealHandle<GaloisKeys>;
    }
  | {
      readonly kind: 'relinearisation';
      readonly step: 0;
      readonly primeCount: number;
      readonly keys: SealHandle<RelinKeys>;
    };

export class KeyLoader implements Disposable {
  readonly #contexts: SealContexts;
  readonly #sent: EvaluationKeys;
  readonly #capBytes: number;
  /** In order of last use, oldest first. */
  readonly #loaded = new Map<string, { readonly key: LoadedKey; readonly bytes: number }>();
  #residentBytes = 0;
  #loads = 0;

  constructor(
    contexts: SealContexts,
    sent: EvaluationKeys,
    options: { readonly capBytes: number },
  ) {
    requireOneSpecialPrime(contexts.parameters.specialPrimes.length);
    this.#contexts = contexts;
    this.#sent = sent;
    this.#capBytes = options.capBytes;
  }

  /** Bytes of the keys now in WebAssembly memory. */
  get residentBytes(): number {
    return this.#residentBytes;
  }

  /** Keys loaded so far; above the number of distinct keys, the cap is too small. */
  get loads(): number {
    return this.#loads;
  }

  /**
   * The key for a rotation, or for relinearisation, of values with `primeCount` primes.
   *
   * The key stays valid until the next call: a later one may free it.
   *
   * Cost    reading, checking and expanding the key when it is not resident
   * Throws  KEYS_INVALID (missing, damaged, trimmed too far), RESOURCE_LIMIT above the cap
   */
  async load(request: SwitchingKeyRequest): Promise<LoadedKey> {
    const name = `${request.kind} ${request.step} ${request.primeCount}`;
    const known = this.#loaded.get(name);
    if (known !== undefined) {
      this.#loaded.delete(name);
      this.#loaded.set(name, known);
      return known.key;
    }
    this.#sent.require([request]);
    const bytes = residentKeyBytes(this.#contexts.parameters.ringDegree, request.primeCount, 1);
    if (bytes > this.#capBytes) {
      throw new CipherloomError(
        'RESOURCE_LIMIT',
        `the key for ${request.kind} ${request.step} takes ${bytes} bytes, the key cache has ${this.#capBytes}`,
        {
          phase: 'seal',
          details: { bytes, capBytes: this.#capBytes },
          hint: 'raise the key cache, or compile with a smaller --ring-degree',
        },
      );
    }
    for (const [oldest, { key, bytes: freed }] of this.#loaded) {
      if (this.#residentBytes + bytes <= this.#capBytes) break;
      this.#loaded.delete(oldest);
      this.#residentBytes -= freed;
      key.keys.dispose();
    }
    const sent = await this.#sent.read(request);
    const key = this.#expand(sent, request);
    this.#loaded.set(name, { key, bytes });
    this.#residentBytes += bytes;
    this.#loads++;
    return key;
  }

  [Symbol.dispose](): void {
    for (const { key } of this.#loaded.values()) key.keys.dispose();
    this.#loaded.clear();
    this.#residentBytes = 0;
  }

  #expand(sent: SentSwitchingKey, request: SwitchingKeyRequest): LoadedKey {
    const contexts = this.#contexts;
    const { instance } = contexts;
    const { ringDegree } = contexts.parameters;
    const from = this.#space(sent.request.primeCount);
    const digits = sent.digits.slice(0, request.primeCount).map((digit) => {
      const seeded = writeSeededDigit(digit, from);
      return sent.request.primeCount === request.primeCount
        ? seeded
        : this.#trimDigit(seeded, sent.request.primeCount, request.primeCount);
    });
    const blob = writeSwitchingKeyBlob(
      keyEntry(ringDegree, request),
      digits,
      contexts.keyParmsId(request.primeCount),
    );
    const context = contexts.level(request.primeCount);
    return instance.call('loading a switching key', (seal): LoadedKey => {
      if (request.kind === 'relinearisation') {
        const keys = new SealHandle(instance, new seal.RelinKeys());
        keys.raw.loadFromArray(context, blob);
        return { kind: 'relinearisation', step: 0, primeCount: request.primeCount, keys };
      }
      const keys = new SealHandle(instance, new seal.GaloisKeys());
      keys.raw.loadFromArray(context, blob);
      return { kind: 'rotation', step: request.step, primeCount: request.primeCount, keys };
    });
  }

  /** Expand a digit over the primes it was sent for, and keep the residues of fewer. */
  #trimDigit(
    seeded: Uint8Array<ArrayBuffer>,
    sentPrimes: number,
    primeCount: number,
  ): Uint8Array<ArrayBuffer> {
    const contexts = this.#contexts;
    const { instance } = contexts;
    const { ringDegree } = contexts.parameters;
    const context = contexts.level(sentPrimes);
    const expanded = instance.call('expanding a switching key', (seal) => {
      using digit = new SealHandle(instance, new seal.PublicKey());
      digit.raw.loadFromArray(context, seeded);
      const bytes: unknown = digit.raw.saveToArray(seal.ComprModeType.none);
      invariant(bytes instanceof Uint8Array, 'SEAL saves bytes');
      return bytes;
    });
    invariant(
      expanded.length === ciphertextBlobBytes(ringDegree, sentPrimes + 1, 'expanded'),
      'SEAL writes expanded keys of the predicted length',
    );
    const { words } = readCiphertextBlob(expanded, ringDegree, sentPrimes + 1, 'expanded');
    const kept = new BigUint64Array(2 * (primeCount + 1) * ringDegree);
    for (const polynomial of [0, 1]) {
      const source = polynomial * (sentPrimes + 1) * ringDegree;
      const target = polynomial * (primeCount + 1) * ringDegree;
      kept.set(words.subarray(source, source + primeCount * ringDegree), target);
      const special = source + sentPrimes * ringDegree;
      kept.set(words.subarray(special, special + ringDegree), target + primeCount * ringDegree);
    }
    const parmsId = contexts.keyParmsId(primeCount);
    return writeCiphertextBlob({ parmsId, ringDegree, moduli: primeCount + 1, scale: 1 }, kept);
  }

  #space(primeCount: number): KeySpace {
    return {
      ringDegree: this.#contexts.parameters.ringDegree,
      moduli: keyModuli(this.#contexts.parameters, primeCount),
      parmsId: this.#contexts.keyParmsId(primeCount),
    };
  }
}
