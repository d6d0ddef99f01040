/**
 * The clear evaluator with the standard deviation of every slot's error beside the slots.
 *
 * An error is a sum over sources: the deviation of a slot from each source is a signed coefficient, so
 * that x² + a·x has (2x + a)·e and not the sum of two variances. Elementwise operations keep sources
 * apart; rotations and sums of diagonals make one new source of all, for errors of different slots are
 * independent. To first order, with the square of an error as a source of its own.
 */
import { invariant } from '../../src/errors.ts';
import { rotateVector } from '../../src/ir/packed/values.ts';
import type { Modulus } from '../../src/ir/program.ts';
import type { Engine, SlotConstant, ValueForm } from '../../src/backend/execute/engine.ts';
import { primitiveErrors } from '../../src/backend/clear/primitive-errors.ts';
import type {
  NoiseEvaluator,
  PrimitiveErrors,
  SlotVariances,
} from '../../src/backend/clear/primitive-errors.ts';

type Slots = Float64Array<ArrayBuffer>;

export interface ErrorValue extends ValueForm {
  scale: number;
  readonly slots: Slots;
  /** By number of the source, the deviation of each slot. */
  errors: ReadonlyMap<number, Slots>;
}

/** The standard deviation of the error of each slot. */
export function deviationsOf({ slots, errors }: ErrorValue): Slots {
  return variances(slots.length, errors).map(Math.sqrt);
}

function variances(length: number, errors: ReadonlyMap<number, Slots>): Slots {
  const sum = new Float64Array(length);
  for (const deviation of errors.values()) {
    for (let slot = 0; slot < length; slot++) sum[slot]! += deviation[slot]! ** 2;
  }
  return sum;
}

export class ErrorEngine implements Engine<ErrorValue> {
  readonly #modulus: Modulus;
  readonly #errors: PrimitiveErrors;
  #sources = 0;

  constructor(modulus: Modulus, evaluator: NoiseEvaluator) {
    this.#modulus = modulus;
    this.#errors = primitiveErrors(modulus, evaluator);
  }

  /** A value of the client: freshly encrypted. */
  input(slots: Slots, level: number, scale: number): ErrorValue {
    const form = { level, scale, size: 2 };
    return this.#add(
      { ...form, slots: slots.slice(), errors: new Map() },
      this.#errors.fresh(form),
    );
  }

  formOf(value: ErrorValue): ValueForm {
    return value;
  }

  setScale(value: ErrorValue, scale: number): void {
    value.scale = scale;
  }

  add(a: ErrorValue, b: ErrorValue): ErrorValue {
    return combine(a, b, { ...formOf(a), size: Math.max(a.size, b.size) }, (x, y) => x + y, 1, 1);
  }

  sub(a: ErrorValue, b: ErrorValue): ErrorValue {
    return combine(a, b, { ...formOf(a), size: Math.max(a.size, b.size) }, (x, y) => x - y, 1, -1);
  }

  /** Terms of a linear map: their errors are made one. */
  addInto(sum: ErrorValue, x: ErrorValue): void {
    const total = variances(sum.slots.length, sum.errors);
    const other = variances(sum.slots.length, x.errors);
    for (let slot = 0; slot < total.length; slot++) {
      sum.slots[slot]! += x.slots[slot]!;
      total[slot]! += other[slot]!;
    }
    sum.errors = this.#source(total);
  }

  multiply(a: ErrorValue, b: ErrorValue): ErrorValue {
    const form = { level: a.level, scale: a.scale * b.scale, size: 3 };
    const product = combine(a, b, form, (x, y) => x * y, b.slots, a.slots);
    const [va, vb] = [a, b].map(({ slots, errors }) => variances(slots.length, errors));
    // The square of an error has three times the square of its variance; of two errors, the product.
    const factor = a === b ? 3 : 1;
    return this.#add(
      product,
      va!.map((v, slot) => factor * v * vb![slot]!),
    );
  }

  square(x: ErrorValue): ErrorValue {
    return this.multiply(x, x);
  }

  rescale(x: ErrorValue): ErrorValue {
    const prime = this.#modulus.primes[x.level];
    invariant(prime !== undefined && x.level > 0, 'a prime is left to divide by');
    const form = { level: x.level - 1, scale: x.scale / Number(prime), size: x.size };
    return this.#add({ ...copy(x), ...form }, this.#errors.rescale(form));
  }

  dropLevel(x: ErrorValue, level: number): ErrorValue {
    return { ...copy(x), level };
  }

  relinearize(x: ErrorValue): Promise<ErrorValue> {
    const form = { level: x.level, scale: x.scale, size: 2 };
    return Promise.resolve(this.#add({ ...copy(x), ...form }, this.#errors.relinearize(form)));
  }

  rotate(x: ErrorValue, step: number): Promise<ErrorValue> {
    const turned = rotateVector(variances(x.slots.length, x.errors), step);
    addVariances(turned, this.#errors.rotate(x));
    const slots = rotateVector(x.slots, step);
    return Promise.resolve({ ...formOf(x), slots, errors: this.#source(turned) });
  }

  addConstant(x: ErrorValue, constant: SlotConstant): ErrorValue {
    const factor = slotsOf(constant, x.slots.length);
    const sum = { ...copy(x), slots: x.slots.map((a, slot) => a + factor[slot]!) };
    return this.#add(sum, this.#errors.encoding(x.scale, typeof constant === 'number'));
  }

  multiplyConstant(
    x: ErrorValue,
    constant: SlotConstant,
    plainScale: number,
    scale: number,
  ): ErrorValue {
    const factor = slotsOf(constant, x.slots.length);
    const scaled = (vector: Slots): Slots => vector.map((a, slot) => a * factor[slot]!);
    const product = {
      ...formOf(x),
      scale,
      slots: scaled(x.slots),
      errors: new Map([...x.errors].map(([source, each]) => [source, scaled(each)])),
    };
    const rounding = this.#errors.encoding(plainScale, typeof constant === 'number');
    return this.#add(
      product,
      x.slots.map((a) => a * a * rounding),
    );
  }

  multiplyAddInto(
    sum: ErrorValue,
    x: ErrorValue,
    constant: SlotConstant,
    plainScale: number,
  ): void {
    const factor = slotsOf(constant, x.slots.length);
    const total = variances(sum.slots.length, sum.errors);
    const rounding = this.#errors.encoding(plainScale, typeof constant === 'number');
    for (let slot = 0; slot < total.length; slot++) {
      sum.slots[slot]! += factor[slot]! * x.slots[slot]!;
      total[slot]! += x.slots[slot]! ** 2 * rounding;
    }
    for (const deviation of x.errors.values()) {
      for (let slot = 0; slot < total.length; slot++) {
        total[slot]! += (factor[slot]! * deviation[slot]!) ** 2;
      }
    }
    sum.errors = this.#source(total);
  }

  vanishingProduct(x: ErrorValue, plainScale: number, scale: number): ErrorValue {
    return this.multiplyConstant(x, 1 / plainScale, plainScale, scale);
  }

  isTransparent(): boolean {
    return false;
  }

  dispose(): void {
    // The garbage collector frees arrays.
  }

  /** A new source with these variances. */
  #source(variance: Slots): Map<number, Slots> {
    return new Map([[this.#sources++, variance.map(Math.sqrt)]]);
  }

  /** The value with an independent error more. */
  #add(value: ErrorValue, variance: SlotVariances): ErrorValue {
    const added = new Float64Array(value.slots.length);
    addVariances(added, variance);
    return { ...value, errors: new Map([...value.errors, ...this.#source(added)]) };
  }
}

function formOf({ level, scale, size }: ErrorValue): ValueForm {
  return { level, scale, size };
}

function copy(value: ErrorValue): ErrorValue {
  return { ...value, slots: value.slots.slice() };
}

function addVariances(into: Slots, added: SlotVariances): void {
  for (let slot = 0; slot < into.length; slot++) {
    into[slot]! += typeof added === 'number' ? added : added[slot]!;
  }
}

function slotsOf(constant: SlotConstant, slots: number): Slots {
  return typeof constant === 'number' ? new Float64Array(slots).fill(constant) : constant.build();
}

/** A function of two values; the errors of each, times a factor, add up source by source. */
function combine(
  a: ErrorValue,
  b: ErrorValue,
  form: ValueForm,
  compute: (x: number, y: number) => number,
  factorA: number | Slots,
  factorB: number | Slots,
): ErrorValue {
  invariant(a.level === b.level, `levels ${a.level} and ${b.level} meet`);
  const errors = new Map<number, Slots>();
  for (const [value, factor] of [
    [a, factorA],
    [b, factorB],
  ] as const) {
    for (const [source, deviation] of value.errors) {
      const into = errors.get(source) ?? new Float64Array(a.slots.length);
      for (let slot = 0; slot < into.length; slot++) {
        into[slot]! += (typeof factor === 'number' ? factor : factor[slot]!) * deviation[slot]!;
      }
      errors.set(source, into);
    }
  }
  return { ...form, slots: a.slots.map((x, slot) => compute(x, b.slots[slot]!)), errors };
}
