/** How many bytes of ciphertexts a run holds at most: the executor run on sizes alone. */
import { invariant } from '../../errors.ts';
import type { Modulus } from '../../ir/program.ts';
import { programInputs } from '../../ir/ckks/program-inputs.ts';
import type { Engine, ValueForm } from './engine.ts';
import { execute } from './execute.ts';
import type { PreparedProgram } from './prepare-program.ts';

interface Size extends ValueForm {
  scale: number;
}

/** An engine whose values are only their sizes. */
class SizeEngine implements Engine<Size> {
  readonly #modulus: Modulus;
  #bytes = 0;
  #peak = 0;

  constructor(modulus: Modulus) {
    this.#modulus = modulus;
  }

  get peakBytes(): number {
    return this.#peak;
  }

  make(form: ValueForm): Size {
    this.#bytes += this.#bytesOf(form);
    this.#peak = Math.max(this.#peak, this.#bytes);
    return { ...form };
  }

  formOf(value: Size): ValueForm {
    return value;
  }

  setScale(value: Size, scale: number): void {
    value.scale = scale;
  }

  add(a: Size, b: Size): Size {
    return this.make({ ...a, size: Math.max(a.size, b.size) });
  }

  sub(a: Size, b: Size): Size {
    return this.add(a, b);
  }

  addInto(): void {
    // The sum stays as large as it is.
  }

  multiply(a: Size, b: Size): Size {
    return this.make({ level: a.level, scale: a.scale * b.scale, size: 3 });
  }

  square(x: Size): Size {
    return this.multiply(x, x);
  }

  rescale(x: Size): Size {
    const prime = Number(this.#modulus.primes[x.level] ?? 1n);
    return this.make({ level: x.level - 1, scale: x.scale / prime, size: x.size });
  }

  dropLevel(x: Size, level: number): Size {
    return this.make({ ...x, level });
  }

  relinearize(x: Size): Promise<Size> {
    return Promise.resolve(this.make({ ...x, size: 2 }));
  }

  rotate(x: Size): Promise<Size> {
    return Promise.resolve(this.make(x));
  }

  addConstant(x: Size): Size {
    return this.make(x);
  }

  multiplyConstant(x: Size, _constant: unknown, _plainScale: number, scale: number): Size {
    return this.make({ ...x, scale });
  }

  multiplyAddInto(sum: Size): void {
    // The product lives until it is added.
    this.dispose(this.make(sum));
  }

  vanishingProduct(x: Size, _plainScale: number, scale: number): Size {
    return this.make({ ...x, scale });
  }

  isTransparent(): boolean {
    return false;
  }

  dispose(value: Size): void {
    this.#bytes -= this.#bytesOf(value);
  }

  #bytesOf({ level, size }: ValueForm): number {
    return size * (level + 1) * this.#modulus.ringDegree * 8;
  }
}

/**
 * Measure the most bytes of ciphertexts that one execution holds at once (keys and encoded constants
 * apart).
 *
 * Cost: one step per diagonal and ciphertext, no arithmetic.
 */
export async function measureMemory(prepared: PreparedProgram): Promise<number> {
  const { program } = prepared;
  invariant(program.modulus !== null, 'the program has a modulus');
  const engine = new SizeEngine(program.modulus);
  const inputs = new Map(
    programInputs(program).map(({ name, value }) => {
      const form = prepared.forms[value];
      invariant(form !== undefined, 'an input has a form');
      return [name, () => engine.make(form)];
    }),
  );
  await execute(prepared, engine, inputs);
  return engine.peakBytes;
}
