/**
 * SEAL contexts of one parameter set.
 *
 * A SEAL context over q_0 … q_(n−1) and the special prime has, for its first level, the same
 * identifier as the level with n primes of the whole chain. So a ciphertext of the whole chain can
 * be handed to the evaluator of such a short context. That is what makes keys trimmed to their
 * level possible without padding: SEAL itself makes and loads them, over n + 1 primes with n
 * digits, and a rotation key used with 2 of 9 primes takes 6 residues instead of 90.
 *
 * Contexts hold public numbers only and are expensive (SEAL divides 128-bit numbers bit by bit in
 * WebAssembly: about 25 ms for each transform table at ring degree 16384), so the ones of an
 * instance are shared by all who ask for the same parameters.
 */
import type { EncryptionParameters, MainModule, SEALContext } from 'node-seal/allows';
import { CipherloomError, invariant } from '../errors.ts';
import { SealHandle, type SealInstance } from './load-seal.ts';
import { keyModuli, type SealParameters } from './parameters.ts';

/** scheme_type::ckks in the words that SEAL hashes. */
const ckksScheme = 2n;

interface Shared {
  readonly contexts: Map<string, SealHandle<SEALContext>>;
  users: number;
}

const sharedByInstance = new WeakMap<SealInstance, Map<string, Shared>>();

export class SealContexts implements Disposable {
  readonly instance: SealInstance;
  readonly parameters: SealParameters;
  readonly #shared: Shared;
  readonly #release: () => void;
  #disposed = false;
  readonly #parmsIds = new Map<string, Uint8Array<ArrayBuffer>>();

  /** Contexts appear on first use; cost then, see above. */
  constructor(instance: SealInstance, parameters: SealParameters) {
    this.instance = instance;
    this.parameters = parameters;
    const key = [
      parameters.ringDegree,
      ...parameters.primes,
      'special',
      ...parameters.specialPrimes,
    ].join();
    let byKey = sharedByInstance.get(instance);
    if (byKey === undefined) sharedByInstance.set(instance, (byKey = new Map<string, Shared>()));
    let shared = byKey.get(key);
    if (shared === undefined) byKey.set(key, (shared = { contexts: new Map(), users: 0 }));
    shared.users++;
    this.#shared = shared;
    const owner = byKey;
    this.#release = () => {
      if (--this.#shared.users > 0) return;
      owner.delete(key);
      for (const context of this.#shared.contexts.values()) context.dispose();
    };
  }

  get slots(): number {
    return this.parameters.ringDegree / 2;
  }

  /** The whole chain down to one prime: what rescaling needs. */
  chain(primeCount = this.parameters.primes.length): SEALContext {
    return this.#context(primeCount, true);
  }

  /**
   * Values of exactly `primeCount` primes: encode, encrypt, decrypt; with one special prime also
   * make and use keys.
   */
  level(primeCount: number): SEALContext {
    return this.#context(primeCount, false);
  }

  /** Keys for values of up to `primeCount` primes: a context whose first level has every modulus of them. */
  keys(primeCount: number): SEALContext {
    const { ringDegree, specialPrimes } = this.parameters;
    if (specialPrimes.length === 1) return this.level(primeCount);
    this.#requireAlive();
    const name = `keys ${primeCount}`;
    let context = this.#shared.contexts.get(name);
    if (context === undefined) {
      const moduli = [...this.moduli(primeCount), ...specialPrimes];
      context = makeContext(this.instance, ringDegree, moduli, false);
      this.#shared.contexts.set(name, context);
    }
    return context.raw;
  }

  /** Whether using `level(primeCount)` would cost nothing. */
  hasLevel(primeCount: number): boolean {
    const { contexts } = this.#shared;
    return (
      contexts.has(contextName(primeCount, false)) || contexts.has(contextName(primeCount, true))
    );
  }

  /** SEAL's identifier (32 bytes) of values with `primeCount` primes. */
  parmsId(primeCount: number): Uint8Array<ArrayBuffer> {
    return this.#parmsId(this.parameters.primes.slice(0, primeCount));
  }

  /** SEAL's identifier of keys for values of up to `primeCount` primes. */
  keyParmsId(primeCount: number): Uint8Array<ArrayBuffer> {
    return this.#parmsId(keyModuli(this.parameters, primeCount));
  }

  /** SEAL's identifier of the first level of `level(primeCount)`: of a secret key there. */
  levelParmsId(primeCount: number): Uint8Array<ArrayBuffer> {
    return this.#parmsId(this.levelModuli(primeCount));
  }

  moduli(primeCount: number): readonly bigint[] {
    invariant(
      Number.isInteger(primeCount) &&
        primeCount >= 1 &&
        primeCount <= this.parameters.primes.length,
      `a value of ${primeCount} primes does not exist among ${this.parameters.primes.length}`,
    );
    return this.parameters.primes.slice(0, primeCount);
  }

  /** The moduli of `level`: SEAL wants a special prime in every context. */
  levelModuli(primeCount: number): readonly bigint[] {
    return [...this.moduli(primeCount), ...this.parameters.specialPrimes.slice(0, 1)];
  }

  [Symbol.dispose](): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#release();
  }

  #requireAlive(): void {
    if (!this.#disposed) return;
    throw new CipherloomError('USE_AFTER_DISPOSE', 'SEAL contexts were used after disposal', {
      phase: 'seal',
    });
  }

  /** SEAL hashes scheme, ring degree, moduli and the plain modulus, which CKKS leaves zero. */
  #parmsId(moduli: readonly bigint[]): Uint8Array<ArrayBuffer> {
    const name = moduli.join();
    const known = this.#parmsIds.get(name);
    if (known !== undefined) return known;
    const words = [ckksScheme, BigInt(this.parameters.ringDegree), ...moduli, 0n];
    const hash: unknown = this.instance.call(
      'naming parameters',
      (seal) =>
        // embind types the result as any
        seal.UtilHashFunction.hash(BigUint64Array.from(words)) as unknown,
    );
    invariant(hash instanceof BigUint64Array && hash.length === 4, 'SEAL hashes to four words');
    const id = new Uint8Array(BigUint64Array.from(hash).buffer);
    this.#parmsIds.set(name, id);
    return id;
  }

  #context(primeCount: number, expand: boolean): SEALContext {
    this.#requireAlive();
    const moduli = this.levelModuli(primeCount);
    const name = contextName(primeCount, expand);
    let context = this.#shared.contexts.get(name);
    // A chain begins with the level that is asked for.
    if (!expand) context ??= this.#shared.contexts.get(contextName(primeCount, true));
    if (context === undefined) {
      context = makeContext(this.instance, this.parameters.ringDegree, moduli, expand);
      this.#shared.contexts.set(name, context);
    }
    return context.raw;
  }
}

function contextName(primeCount: number, expand: boolean): string {
  return `${expand ? 'chain' : 'level'} ${primeCount}`;
}

function makeContext(
  instance: SealInstance,
  ringDegree: number,
  moduli: readonly bigint[],
  expand: boolean,
): SealHandle<SEALContext> {
  return instance.call('making a context', (seal) => {
    const parameters = encryptionParameters(seal, ringDegree, moduli);
    try {
      // Our own table decides about security (src/layout/security.ts): SEAL's is too weak and
      // ends at 2^15.
      const raw = new seal.SEALContext(parameters, expand, seal.SecLevelType.none);
      const context = new SealHandle(instance, raw);
      if (!raw.parametersSet() || !raw.usingKeyswitching()) {
        context.dispose();
        throw new CipherloomError(
          'PLAN_INVALID',
          `SEAL refuses ring degree ${ringDegree} with ${moduli.length} primes: one of them is not prime`,
          {
            phase: 'seal',
            details: { ringDegree, primes: moduli.map(String) },
            hint: 'compile the model again',
          },
        );
      }
      return context;
    } finally {
      parameters.delete();
    }
  });
}

function encryptionParameters(
  seal: MainModule,
  ringDegree: number,
  moduli: readonly bigint[],
): EncryptionParameters {
  const parameters = new seal.EncryptionParameters(seal.SchemeType.ckks);
  const vector = new seal.VectorModulus();
  try {
    parameters.setPolyModulusDegree(ringDegree);
    for (const value of moduli) {
      const modulus = new seal.Modulus(value);
      vector.push_back(modulus);
      modulus.delete();
    }
    parameters.setCoeffModulus(vector);
    return parameters;
  } finally {
    vector.delete();
  }
}
