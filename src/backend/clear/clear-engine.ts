/**
 * The evaluator without encryption: slot vectors in float64.
 *
 * It performs every rotation, mask and fold of the plan as an encrypted evaluator does, so that a
 * wrong diagonal or a missing rotation shows here. A noise model can be switched on.
 */
import { invariant } from '../../errors.ts';
import { rotateVector } from '../../ir/packed/values.ts';
import type { Modulus } from '../../ir/program.ts';
import type { Engine, SlotConstant, ValueForm } from '../execute/engine.ts';

export interface ClearValue extends ValueForm {
  scale: number;
  readonly slots: Float64Array<ArrayBuffer>;
}

/** What changed a value in a way that adds error on ciphertexts. */
export type NoiseSource =
  'input' | 'encode-sum' | 'encode-product' | 'rescale' | 'relinearize' | 'rotate';

/** Adds the error of one operation to the slots of its result, in place. */
export type NoiseModel = (
  source: NoiseSource,
  slots: Float64Array<ArrayBuffer>,
  form: ValueForm,
) => void;

export interface ClearEngineOptions {
  /** Absent: exact, but for float64. */
  readonly noise?: NoiseModel | undefined;
  /** Steps whose keys exist; another rotation fails, as it would on ciphertexts. */
  readonly rotationSteps?: ReadonlySet<number> | undefined;
}

export class ClearEngine implements Engine<ClearValue> {
  readonly #modulus: Modulus;
  readonly #noise: NoiseModel | undefined;
  readonly #steps: ReadonlySet<number> | undefined;
  #live = 0;
  #liveSlots = 0;
  #peakSlots = 0;

  constructor(modulus: Modulus, options: ClearEngineOptions = {}) {
    this.#modulus = modulus;
    this.#noise = options.noise;
    this.#steps = options.rotationSteps;
  }

  /** Values not yet disposed. */
  get liveValues(): number {
    return this.#live;
  }

  /** The most slots held at once. */
  get peakSlots(): number {
    return this.#peakSlots;
  }

  /** A value of the client: fresh, of two polynomials. */
  input(slots: Float64Array<ArrayBuffer>, level: number, scale: number): ClearValue {
    return this.#make('input', slots.slice(), { level, scale, size: 2 });
  }

  formOf(value: ClearValue): ValueForm {
    return value;
  }

  setScale(value: ClearValue, scale: number): void {
    value.scale = scale;
  }

  add(a: ClearValue, b: ClearValue): ClearValue {
    requireAlike(a, b);
    return this.#zip(a, b, (x, y) => x + y);
  }

  sub(a: ClearValue, b: ClearValue): ClearValue {
    requireAlike(a, b);
    return this.#zip(a, b, (x, y) => x - y);
  }

  addInto(sum: ClearValue, x: ClearValue): void {
    requireAlike(sum, x);
    const from = x.slots;
    const into = sum.slots;
    for (let slot = 0; slot < into.length; slot++) into[slot]! += from[slot]!;
  }

  multiply(a: ClearValue, b: ClearValue): ClearValue {
    invariant(a.level === b.level, 'factors have one level');
    const slots = a.slots.map((x, slot) => x * b.slots[slot]!);
    return this.#make(null, slots, { level: a.level, scale: a.scale * b.scale, size: 3 });
  }

  square(x: ClearValue): ClearValue {
    return this.multiply(x, x);
  }

  rescale(x: ClearValue): ClearValue {
    const prime = this.#modulus.primes[x.level];
    invariant(prime !== undefined && x.level > 0, 'a prime is left to divide by');
    const form = { level: x.level - 1, scale: x.scale / Number(prime), size: x.size };
    return this.#make('rescale', x.slots.slice(), form);
  }

  dropLevel(x: ClearValue, level: number): ClearValue {
    return this.#make(null, x.slots.slice(), { level, scale: x.scale, size: x.size });
  }

  relinearize(x: ClearValue): Promise<ClearValue> {
    const form = { level: x.level, scale: x.scale, size: 2 };
    return Promise.resolve(this.#make('relinearize', x.slots.slice(), form));
  }

  rotate(x: ClearValue, step: number): Promise<ClearValue> {
    invariant(x.size === 2, 'a product is relinearised before it is rotated');
    invariant(this.#steps?.has(step) !== false, `there is no key for rotation ${step}`);
    return Promise.resolve(this.#make('rotate', rotateVector(x.slots, step), formOf(x)));
  }

  addConstant(x: ClearValue, constant: SlotConstant): ClearValue {
    const slots = combine(x.slots, constant, (a, b) => a + b);
    return this.#make('encode-sum', slots, formOf(x));
  }

  multiplyConstant(
    x: ClearValue,
    constant: SlotConstant,
    _plainScale: number,
    scale: number,
  ): ClearValue {
    const slots = combine(x.slots, constant, (a, b) => a * b);
    return this.#make('encode-product', slots, { level: x.level, scale, size: x.size });
  }

  multiplyAddInto(sum: ClearValue, x: ClearValue, constant: SlotConstant): void {
    invariant(sum.level === x.level, 'terms have one level');
    const into = sum.slots;
    const from = x.slots;
    if (typeof constant === 'number') {
      for (let slot = 0; slot < into.length; slot++) into[slot]! += constant * from[slot]!;
    } else {
      const factors = constant.build();
      for (let slot = 0; slot < into.length; slot++) into[slot]! += factors[slot]! * from[slot]!;
    }
    this.#noise?.('encode-product', into, sum);
  }

  vanishingProduct(x: ClearValue, _plainScale: number, scale: number): ClearValue {
    const form = { level: x.level, scale, size: x.size };
    return this.#make('encode-product', new Float64Array(x.slots.length), form);
  }

  isTransparent(): boolean {
    return false;
  }

  dispose(value: ClearValue): void {
    this.#live--;
    this.#liveSlots -= value.slots.length;
  }

  #zip(a: ClearValue, b: ClearValue, compute: (x: number, y: number) => number): ClearValue {
    const slots = a.slots.map((x, slot) => compute(x, b.slots[slot]!));
    return this.#make(null, slots, {
      level: a.level,
      scale: a.scale,
      size: Math.max(a.size, b.size),
    });
  }

  #make(source: NoiseSource | null, slots: Float64Array<ArrayBuffer>, form: ValueForm): ClearValue {
    if (source !== null) this.#noise?.(source, slots, form);
    this.#live++;
    this.#liveSlots += slots.length;
    this.#peakSlots = Math.max(this.#peakSlots, this.#liveSlots);
    return { ...form, slots };
  }
}

function formOf({ level, scale, size }: ClearValue): ValueForm {
  return { level, scale, size };
}

function requireAlike(a: ClearValue, b: ClearValue): void {
  invariant(a.level === b.level, `levels ${a.level} and ${b.level} meet`);
  invariant(a.scale === b.scale, `scales ${a.scale} and ${b.scale} meet`);
}

function combine(
  slots: Float64Array<ArrayBuffer>,
  constant: SlotConstant,
  compute: (a: number, b: number) => number,
): Float64Array<ArrayBuffer> {
  if (typeof constant === 'number') return slots.map((a) => compute(a, constant));
  const other = constant.build();
  return slots.map((a, slot) => compute(a, other[slot]!));
}
