/** The engine over SEAL's evaluator: keys are loaded when they are needed, plaintexts encoded on the fly. */
import type { KeyLoader, SealCiphertext, SealEvaluator, SealPlaintext } from '../../seal/index.ts';
import type { Engine, SlotConstant, ValueForm } from '../execute/engine.ts';
import { PlaintextCache } from './plaintext-cache.ts';

export interface SealEngineOptions {
  /** Bytes of encoded constants kept from one run to the next. */
  readonly plaintextCacheBytes: number;
}

export class SealEngine implements Engine<SealCiphertext>, Disposable {
  readonly #evaluator: SealEvaluator;
  readonly #keys: KeyLoader;
  readonly #plaintexts: PlaintextCache;

  /** The evaluator and the keys stay the caller's. */
  constructor(evaluator: SealEvaluator, keys: KeyLoader, options: SealEngineOptions) {
    this.#evaluator = evaluator;
    this.#keys = keys;
    this.#plaintexts = new PlaintextCache(
      options.plaintextCacheBytes,
      evaluator.contexts.parameters.ringDegree,
    );
  }

  formOf(value: SealCiphertext): ValueForm {
    return { level: value.primeCount - 1, scale: value.scale, size: value.size };
  }

  setScale(value: SealCiphertext, scale: number): void {
    if (value.scale !== scale) this.#evaluator.setScale(value, scale);
  }

  add(a: SealCiphertext, b: SealCiphertext): SealCiphertext {
    return this.#evaluator.add(a, b);
  }

  sub(a: SealCiphertext, b: SealCiphertext): SealCiphertext {
    return this.#evaluator.sub(a, b);
  }

  addInto(sum: SealCiphertext, x: SealCiphertext): void {
    this.#evaluator.addInPlace(sum, x);
  }

  multiply(a: SealCiphertext, b: SealCiphertext): SealCiphertext {
    return this.#evaluator.multiply(a, b);
  }

  square(x: SealCiphertext): SealCiphertext {
    return this.#evaluator.square(x);
  }

  rescale(x: SealCiphertext): SealCiphertext {
    return this.#evaluator.rescale(x);
  }

  dropLevel(x: SealCiphertext, level: number): SealCiphertext {
    return this.#evaluator.modSwitchTo(x, level + 1);
  }

  async relinearize(x: SealCiphertext): Promise<SealCiphertext> {
    const { primeCount } = x;
    const key = await this.#keys.load({ kind: 'relinearisation', step: 0, primeCount });
    return this.#evaluator.relinearize(x, key);
  }

  async rotate(x: SealCiphertext, step: number): Promise<SealCiphertext> {
    const { primeCount } = x;
    const key = await this.#keys.load({ kind: 'rotation', step, primeCount });
    return this.#evaluator.rotate(x, key);
  }

  addConstant(x: SealCiphertext, constant: SlotConstant): SealCiphertext {
    return this.#withPlaintext(x, constant, x.scale, (plain) => this.#evaluator.addPlain(x, plain));
  }

  multiplyConstant(
    x: SealCiphertext,
    constant: SlotConstant,
    plainScale: number,
    scale: number,
  ): SealCiphertext {
    return this.#withPlaintext(x, constant, plainScale, (plain) => {
      const product = this.#evaluator.multiplyPlain(x, plain);
      this.setScale(product, scale);
      return product;
    });
  }

  multiplyAddInto(
    sum: SealCiphertext,
    x: SealCiphertext,
    constant: SlotConstant,
    plainScale: number,
  ): void {
    const product = this.multiplyConstant(x, constant, plainScale, sum.scale);
    try {
      this.#evaluator.addInPlace(sum, product);
    } finally {
      product.dispose();
    }
  }

  vanishingProduct(x: SealCiphertext, plainScale: number, scale: number): SealCiphertext {
    // 1 / plainScale is encoded as the integer 1.
    return this.multiplyConstant(x, 1 / plainScale, plainScale, scale);
  }

  isTransparent(x: SealCiphertext): boolean {
    return this.#evaluator.contexts.instance.call('looking at a ciphertext', () =>
      x.raw.isTransparent(),
    );
  }

  dispose(value: SealCiphertext): void {
    value.dispose();
  }

  [Symbol.dispose](): void {
    this.#plaintexts[Symbol.dispose]();
  }

  #withPlaintext(
    x: SealCiphertext,
    constant: SlotConstant,
    scale: number,
    use: (plaintext: SealPlaintext) => SealCiphertext,
  ): SealCiphertext {
    const form = { scale, primeCount: x.primeCount };
    const name = typeof constant === 'number' ? String(constant) : constant.key;
    const key = name === null ? null : `${name} ${scale} ${x.primeCount}`;
    const known = key === null ? undefined : this.#plaintexts.find(key);
    if (known !== undefined) return use(known);
    const plaintext =
      typeof constant === 'number'
        ? this.#evaluator.encodeScalar(constant, form)
        : this.#evaluator.encode(constant.build(), form);
    const kept = key !== null && this.#plaintexts.offer(key, plaintext);
    try {
      return use(plaintext);
    } finally {
      if (!kept) plaintext.dispose();
    }
  }
}
