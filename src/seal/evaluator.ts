/**
 * CKKS on SEAL's evaluator: thin, typed, exact about levels and scales.
 *
 * A value with n primes has residues modulo q_0 … q_(n−1): level n − 1. SEAL calls scales equal
 * when they are close; here they are equal bit for bit or it is a bug of the plan, and the caller
 * stamps the plan's double with `setScale` after each rescale.
 */
import type { CKKSEncoder, Ciphertext, Evaluator, Plaintext, SEALContext } from 'node-seal/allows';
import { InternalError, invariant } from '../errors.ts';
import {
  checkCiphertextBlob,
  ciphertextBlobBytes,
  type CiphertextExpectation,
} from './ciphertext-blob.ts';
import type { SealContexts } from './contexts.ts';
import { requireEncodable } from './encode-bounds.ts';
import type { LoadedKey } from './key-loader.ts';
import { SealHandle } from './load-seal.ts';
import { levelModulusBits } from './parameters.ts';
import { writeConstantPlaintext } from './plaintext-blob.ts';

/** A ciphertext in WebAssembly memory; dispose it after its last use. */
export class SealCiphertext extends SealHandle<Ciphertext> {
  /** Residues of each polynomial: level + 1. */
  get primeCount(): number {
    return this.raw.coeffModulusSize();
  }

  get scale(): number {
    return this.raw.scale();
  }

  /** Polynomials: 2, or 3 after a multiplication. */
  get size(): number {
    return this.raw.size();
  }
}

/** An encoded vector or number in WebAssembly memory. */
export class SealPlaintext extends SealHandle<Plaintext> {
  readonly primeCount: number;

  constructor(instance: SealContexts['instance'], raw: Plaintext, primeCount: number) {
    super(instance, raw);
    this.primeCount = primeCount;
  }

  get scale(): number {
    return this.raw.scale();
  }
}

export interface EncodeForm {
  readonly scale: number;
  readonly primeCount: number;
}

export class SealEvaluator implements Disposable {
  readonly contexts: SealContexts;
  readonly #topPrimes: number;
  #chain: SealHandle<Evaluator> | null = null;
  #chainEncoder: SealHandle<CKKSEncoder> | null = null;
  readonly #levels = new Map<number, SealHandle<Evaluator>>();
  readonly #encoders = new Map<number, SealHandle<CKKSEncoder>>();

  /**
   * @param topPrimes primes of the highest value; smaller chains start faster
   *
   * Cost: a context over the chain on first use (see `contexts.ts`), seconds for large rings.
   */
  constructor(contexts: SealContexts, topPrimes = contexts.parameters.primes.length) {
    this.contexts = contexts;
    this.#topPrimes = topPrimes;
  }

  /**
   * Encode a vector; slots past its end are zero.
   *
   * Throws INPUT_INVALID when a value is not finite or leaves the level's modulus
   */
  encode(values: Float64Array, form: EncodeForm, what = 'plaintext'): SealPlaintext {
    const { contexts } = this;
    const { instance } = contexts;
    requireEncodable(contexts, values, form.scale, form.primeCount, what);
    return instance.call('encoding', (seal) => {
      const plaintext = new SealPlaintext(instance, new seal.Plaintext(), form.primeCount);
      try {
        if (contexts.hasLevel(form.primeCount) || form.primeCount > this.#topPrimes) {
          this.#encoder(form.primeCount).encode(values, form.scale, plaintext.raw);
        } else {
          // Encoding over the whole chain and dropping residues gives the same plaintext, and
          // costs less than a context that nothing else needs.
          this.#chainEncoder ??= new SealHandle(
            instance,
            new seal.CKKSEncoder(this.#chainContext()),
          );
          this.#chainEncoder.raw.encode(values, form.scale, plaintext.raw);
          for (let n = this.#topPrimes; n > form.primeCount; n--) {
            this.#chainEvaluator().plainModSwitchToNextInplace(plaintext.raw);
          }
        }
        return plaintext;
      } catch (error) {
        plaintext.dispose();
        throw error;
      }
    });
  }

  /** Encode one number for every slot: no transform needed. Throws as `encode`. */
  encodeScalar(value: number, form: EncodeForm, what = 'plaintext'): SealPlaintext {
    const { contexts } = this;
    const { instance, parameters } = contexts;
    requireEncodable(contexts, [value], form.scale, form.primeCount, what);
    const blob = writeConstantPlaintext(
      value,
      form.scale,
      parameters.ringDegree,
      contexts.moduli(form.primeCount),
      contexts.parmsId(form.primeCount),
    );
    return instance.call('encoding a number', (seal) => {
      const plaintext = new SealPlaintext(instance, new seal.Plaintext(), form.primeCount);
      plaintext.raw.loadFromArray(this.#chainContext(), blob);
      return plaintext;
    });
  }

  add(a: SealCiphertext, b: SealCiphertext): SealCiphertext {
    this.#requireSame('add', a, b);
    return this.#produce('add', (evaluator, out) => {
      evaluator.add(a.raw, b.raw, out);
    });
  }

  /** a += b, which saves a copy where sums accumulate. */
  addInPlace(a: SealCiphertext, b: SealCiphertext): void {
    this.#requireSame('add', a, b);
    this.#run('add', (evaluator) => {
      evaluator.addInplace(a.raw, b.raw);
    });
  }

  sub(a: SealCiphertext, b: SealCiphertext): SealCiphertext {
    this.#requireSame('sub', a, b);
    return this.#produce('sub', (evaluator, out) => {
      evaluator.sub(a.raw, b.raw, out);
    });
  }

  negate(a: SealCiphertext): SealCiphertext {
    return this.#produce('negate', (evaluator, out) => {
      evaluator.negate(a.raw, out);
    });
  }

  addPlain(a: SealCiphertext, b: SealPlaintext): SealCiphertext {
    this.#requireSame('addPlain', a, b);
    return this.#produce('addPlain', (evaluator, out) => {
      evaluator.addPlain(a.raw, b.raw, out);
    });
  }

  subPlain(a: SealCiphertext, b: SealPlaintext): SealCiphertext {
    this.#requireSame('subPlain', a, b);
    return this.#produce('subPlain', (evaluator, out) => {
      evaluator.subPlain(a.raw, b.raw, out);
    });
  }

  /** Multiply by a plaintext; scales multiply. A zero plaintext gives a transparent zero. */
  multiplyPlain(a: SealCiphertext, b: SealPlaintext): SealCiphertext {
    this.#requireProduct('multiplyPlain', a, b);
    return this.#produce('multiplyPlain', (evaluator, out) => {
      evaluator.multiplyPlain(a.raw, b.raw, out);
    });
  }

  /** Multiply ciphertexts of two polynomials; the product has three. Scales multiply. */
  multiply(a: SealCiphertext, b: SealCiphertext): SealCiphertext {
    this.#requireProduct('multiply', a, b);
    this.#requireTwo('multiply', a);
    this.#requireTwo('multiply', b);
    return this.#produce('multiply', (evaluator, out) => {
      evaluator.multiply(a.raw, b.raw, out);
    });
  }

  square(a: SealCiphertext): SealCiphertext {
    this.#requireProduct('square', a, a);
    this.#requireTwo('square', a);
    return this.#produce('square', (evaluator, out) => {
      evaluator.square(a.raw, out);
    });
  }

  /** Back from three polynomials to two; the key must be loaded for the value's primes. */
  relinearize(a: SealCiphertext, key: LoadedKey): SealCiphertext {
    invariant(key.kind === 'relinearisation', 'relinearisation takes a relinearisation key');
    this.#requireKey('relinearize', a, key);
    return this.#produce(
      'relinearize',
      (evaluator, out) => {
        evaluator.relinearize(a.raw, key.keys.raw, out);
      },
      key.primeCount,
    );
  }

  /** Rotate slots to the left by the step of the key. */
  rotate(a: SealCiphertext, key: LoadedKey): SealCiphertext {
    invariant(key.kind === 'rotation', 'rotation takes a rotation key');
    this.#requireTwo('rotate', a);
    this.#requireKey('rotate', a, key);
    return this.#produce(
      'rotate',
      (evaluator, out) => {
        evaluator.rotateVector(a.raw, key.step, key.keys.raw, out);
      },
      key.primeCount,
    );
  }

  /** Divide by the last prime and drop it; SEAL sets the scale to scale / q, see `setScale`. */
  rescale(a: SealCiphertext): SealCiphertext {
    if (a.primeCount < 2) throw new InternalError('rescale: the value has one prime left');
    return this.#produce('rescale', (evaluator, out) => {
      evaluator.rescaleToNext(a.raw, out);
    });
  }

  /** Drop residues until `primeCount` are left; value and scale stay. */
  modSwitchTo(a: SealCiphertext, primeCount: number): SealCiphertext {
    if (primeCount > a.primeCount || primeCount < 1) {
      throw new InternalError(`modSwitchTo: from ${a.primeCount} primes to ${primeCount}`);
    }
    const result = this.clone(a);
    try {
      this.#run('modSwitchTo', (evaluator) => {
        for (let n = a.primeCount; n > primeCount; n--) {
          evaluator.cipherModSwitchToNextInplace(result.raw);
        }
      });
      return result;
    } catch (error) {
      result.dispose();
      throw error;
    }
  }

  /** Stamp the plan's scale. The caller answers for it: no check but that it is positive. */
  setScale(a: SealCiphertext, scale: number): void {
    invariant(scale > 0 && scale < Infinity, 'a scale is a positive number');
    this.contexts.instance.call('setScale', () => {
      a.raw.setScale(scale);
    });
  }

  clone(a: SealCiphertext): SealCiphertext {
    const { instance } = this.contexts;
    return instance.call('clone', () => new SealCiphertext(instance, a.raw.copy()));
  }

  /**
   * Check and load a received ciphertext.
   *
   * Throws CIPHERTEXT_* before WebAssembly sees the bytes
   */
  load(
    blob: Uint8Array,
    expected: Pick<CiphertextExpectation, 'name' | 'index' | 'scale' | 'form'> & {
      readonly primeCount: number;
    },
  ): SealCiphertext {
    const { contexts } = this;
    const { instance, parameters } = contexts;
    checkCiphertextBlob(blob, {
      ...expected,
      ringDegree: parameters.ringDegree,
      moduli: contexts.moduli(expected.primeCount),
      parmsId: contexts.parmsId(expected.primeCount),
    });
    return instance.call('loading a ciphertext', (seal) => {
      const ciphertext = new SealCiphertext(instance, new seal.Ciphertext());
      ciphertext.raw.loadFromArray(this.#chainContext(), blob);
      return ciphertext;
    });
  }

  /** Serialise a ciphertext of two polynomials, uncompressed; see `ciphertextBlobBytes`. */
  save(a: SealCiphertext): Uint8Array<ArrayBuffer> {
    this.#requireTwo('save', a);
    const bytes = this.contexts.instance.call('saving a ciphertext', (seal): unknown =>
      a.raw.saveToArray(seal.ComprModeType.none),
    );
    invariant(
      bytes instanceof Uint8Array &&
        bytes.length ===
          ciphertextBlobBytes(this.contexts.parameters.ringDegree, a.primeCount, 'expanded'),
      'SEAL writes ciphertexts of the predicted length',
    );
    return bytes as Uint8Array<ArrayBuffer>;
  }

  [Symbol.dispose](): void {
    this.#chain?.dispose();
    this.#chainEncoder?.dispose();
    for (const handle of [...this.#levels.values(), ...this.#encoders.values()]) handle.dispose();
    this.#chain = null;
    this.#chainEncoder = null;
    this.#levels.clear();
    this.#encoders.clear();
  }

  #chainContext(): SEALContext {
    return this.contexts.chain(this.#topPrimes);
  }

  #chainEvaluator(): Evaluator {
    const { instance } = this.contexts;
    this.#chain ??= instance.call(
      'making an evaluator',
      (seal) => new SealHandle(instance, new seal.Evaluator(this.#chainContext())),
    );
    return this.#chain.raw;
  }

  #levelEvaluator(primeCount: number): Evaluator {
    const { instance } = this.contexts;
    let evaluator = this.#levels.get(primeCount);
    if (evaluator === undefined) {
      evaluator = instance.call(
        'making an evaluator',
        (seal) => new SealHandle(instance, new seal.Evaluator(this.contexts.level(primeCount))),
      );
      this.#levels.set(primeCount, evaluator);
    }
    return evaluator.raw;
  }

  #encoder(primeCount: number): CKKSEncoder {
    const { instance } = this.contexts;
    let encoder = this.#encoders.get(primeCount);
    if (encoder === undefined) {
      encoder = instance.call(
        'making an encoder',
        (seal) => new SealHandle(instance, new seal.CKKSEncoder(this.contexts.level(primeCount))),
      );
      this.#encoders.set(primeCount, encoder);
    }
    return encoder.raw;
  }

  /** Run with the evaluator of the chain, or, for switching keys, of one level. */
  #run(what: string, run: (evaluator: Evaluator) => void, keyPrimes?: number): void {
    this.contexts.instance.call(what, () => {
      run(keyPrimes === undefined ? this.#chainEvaluator() : this.#levelEvaluator(keyPrimes));
    });
  }

  #produce(
    what: string,
    run: (evaluator: Evaluator, out: Ciphertext) => void,
    keyPrimes?: number,
  ): SealCiphertext {
    const { instance } = this.contexts;
    const out = instance.call(what, (seal) => new SealCiphertext(instance, new seal.Ciphertext()));
    try {
      this.#run(
        what,
        (evaluator) => {
          run(evaluator, out.raw);
        },
        keyPrimes,
      );
      return out;
    } catch (error) {
      out.dispose();
      throw error;
    }
  }

  #requireSame(
    what: string,
    a: SealCiphertext,
    b: { readonly primeCount: number; readonly scale: number },
  ): void {
    if (a.primeCount !== b.primeCount) {
      throw new InternalError(`${what}: ${a.primeCount} primes meet ${b.primeCount}`);
    }
    if (a.scale !== b.scale) {
      throw new InternalError(`${what}: scale ${a.scale} meets ${b.scale}`, {
        details: { a: a.scale, b: b.scale },
      });
    }
  }

  #requireProduct(
    what: string,
    a: SealCiphertext,
    b: { readonly primeCount: number; readonly scale: number },
  ): void {
    if (a.primeCount !== b.primeCount) {
      throw new InternalError(`${what}: ${a.primeCount} primes meet ${b.primeCount}`);
    }
    const bits = Math.log2(a.scale) + Math.log2(b.scale);
    const room = Math.floor(levelModulusBits(this.contexts.parameters, a.primeCount));
    if (!(bits < room)) {
      throw new InternalError(
        `${what}: a scale of 2^${bits.toFixed(2)} exceeds the modulus of 2^${room}`,
        { details: { scaleBits: bits, modulusBits: room } },
      );
    }
  }

  #requireTwo(what: string, a: SealCiphertext): void {
    if (a.size === 2) return;
    throw new InternalError(`${what}: ${a.size} polynomials where 2 are needed; relinearise first`);
  }

  #requireKey(what: string, a: SealCiphertext, key: LoadedKey): void {
    if (a.primeCount === key.primeCount) return;
    throw new InternalError(
      `${what}: the key is loaded for ${key.primeCount} primes, the value has ${a.primeCount}`,
    );
  }
}
