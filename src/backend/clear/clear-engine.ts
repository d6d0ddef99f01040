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

type Slots = Float64Array<ArrayBuffer>;

export interface ClearValue extends ValueForm {
  scale: number;
  readonly slots: Float64Array<ArrayBuffer>;
}

/** Adds the error of one operation to the slots of its result, in place. */
export interface NoiseModel {
  /** Encoded and encrypted by the client. */
  fresh(slots: Slots, form: ValueForm): void;
  /** A sum with an encoded vector, or number. */
  sum(slots: Slots, form: ValueForm, scalar: boolean): void;
  /** A product of `x` with an encoded vector, or number, was made or added. */
  product(slots: Slots, x: Slots, plainScale: number, scalar: boolean): void;
  rescale(slots: Slots, form: ValueForm): void;
  relinearize(slots: Slots, form: ValueForm): void;
  rotate(slots: Slots, form: ValueForm): void;
}

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
    const form = { level, scale, size: 2 };
    const value = slots.slice();
    this.#noise?.fresh(value, form);
    return this.#make(value, form);
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
    return this.#make(slots, { level: a.level, scale: a.scale * b.scale, size: 3 });
  }

  square(x: ClearValue): ClearValue {
    return this.multiply(x, x);
  }

  rescale(x: ClearValue): ClearValue {
    const prime = this.#modulus.primes[x.level];
    invariant(prime !== undefined && x.level > 0, 'a prime is left to divide by');
    const form = { level: x.level - 1, scale: x.scale / Number(prime), size: x.size };
    const slots = x.slots.slice();
    this.#noise?.rescale(slots, form);
    return this.#make(slots, form);
  }

  dropLevel(x: ClearValue, level: number): ClearValue {
    return this.#make(x.slots.slice(), { level, scale: x.scale, size: x.size });
  }

  relinearize(x: ClearValue): Promise<ClearValue> {
    const form = { level: x.level, scale: x.scale, size: 2 };
    const slots = x.slots.slice();
    this.#noise?.relinearize(slots, form);
    return Promise.resolve(this.#make(slots, form));
  }

  rotate(x: ClearValue, step: number): Promise<ClearValue> {
    invariant(x.size === 2, 'a product is relinearised before it is rotated');
    invariant(this.#steps?.has(step) !== false, `there is no key for rotation ${step}`);
    const slots = rotateVector(x.slots, step);
    this.#noise?.rotate(slots, x);
    return Promise.resolve(this.#make(slots, formOf(x)));
  }

  addConstant(x: ClearValue, constant: SlotConstant): ClearValue {
    const slots = combine(x.slots, constant, (a, b) => a + b);
    this.#noise?.sum(slots, x, typeof constant === 'number');
    return this.#make(slots, formOf(x));
  }

  multiplyConstant(
    x: ClearValue,
    constant: SlotConstant,
    plainScale: number,
    scale: number,
  ): ClearValue {
    const slots = combine(x.slots, constant, (a, b) => a * b);
    this.#noise?.product(slots, x.slots, plainScale, typeof constant === 'number');
    return this.#make(slots, { level: x.level, scale, size: x.size });
  }

  multiplyAddInto(
    sum: ClearValue,
    x: ClearValue,
    constant: SlotConstant,
    plainScale: number,
  ): void {
    invariant(sum.level === x.level, 'terms have one level');
    const into = sum.slots;
    const from = x.slots;
    if (typeof constant === 'number') {
      for (let slot = 0; slot < into.length; slot++) into[slot]! += constant * from[slot]!;
    } else {
      const factors = constant.build();
      for (let slot = 0; slot < into.length; slot++) into[slot]! += factors[slot]! * from[slot]!;
    }
    this.#noise?.product(into, from, plainScale, typeof constant === 'number');
  }

  vanishingProduct(x: ClearValue, _plainScale: number, scale: number): ClearValue {
    const form = { level: x.level, scale, size: x.size };
    return this.#make(new Float64Array(x.slots.length), form);
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
    return this.#make(slots, {
      level: a.level,
      scale: a.scale,
      size: Math.max(a.size, b.size),
    });
  }

  #make(slots: Slots, form: ValueForm): ClearValue {
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
