/**
 * The clear evaluator with a record of where errors are made, followed back from the outputs.
 *
 * The error of an element of an output is, to first order, a sum over all slots of all values before
 * it: the error that an operation makes there times the derivative of the element by that slot. These
 * derivatives are followed from each element backwards through the program. Errors of one value's
 * slots are independent when they are made, but a dense layer makes all of its results of the same
 * errors: adding variances layer by layer (ErrorEngine) loses that, by a tenth of the deviation after
 * three dense layers.
 */
import { primitiveErrors } from '../../src/backend/clear/primitive-errors.ts';
import type {
  NoiseEvaluator,
  PrimitiveErrors,
  SlotVariances,
} from '../../src/backend/clear/primitive-errors.ts';
import type { Engine, SlotConstant, ValueForm } from '../../src/backend/execute/engine.ts';
import { rotateVector } from '../../src/ir/packed/values.ts';
import type { Modulus } from '../../src/ir/program.ts';

type Slots = Float64Array<ArrayBuffer>;

export interface TapeValue extends ValueForm {
  scale: number;
  readonly slots: Slots;
  /** Number of the step that made the value; sums that are added to are made anew. */
  step: number;
}

/** How a value came from one before: slots rotated to the left, then multiplied. */
interface Source {
  readonly step: number;
  readonly rotation: number;
  readonly factor: number | Slots;
}

interface Step {
  readonly sources: readonly Source[];
  /** Of the error that the step makes, slot by slot; times the square of `scaledBy` where it is given. */
  readonly variance: SlotVariances;
  readonly scaledBy?: Slots;
}

export class ErrorTape implements Engine<TapeValue> {
  readonly #modulus: Modulus;
  readonly #errors: PrimitiveErrors;
  readonly #steps: Step[] = [];

  constructor(modulus: Modulus, evaluator: NoiseEvaluator) {
    this.#modulus = modulus;
    this.#errors = primitiveErrors(modulus, evaluator);
  }

  /** A value of the client: freshly encrypted. */
  input(slots: Slots, level: number, scale: number): TapeValue {
    const form = { level, scale, size: 2 };
    return this.#value(form, slots.slice(), [], this.#errors.fresh(form));
  }

  /** The standard deviation of the error of one slot. */
  deviationOf(value: TapeValue, slot: number): number {
    const start = new Float64Array(value.slots.length);
    start[slot] = 1;
    const derivatives = new Map([[value.step, start]]);
    let sum = 0;
    // A step comes after those that it is made of.
    for (let number = value.step; number >= 0; number--) {
      const derivative = derivatives.get(number);
      if (derivative === undefined) continue;
      derivatives.delete(number);
      const { sources, variance, scaledBy } = this.#steps[number]!;
      if (variance !== 0) {
        for (let at = 0; at < derivative.length; at++) {
          const own = typeof variance === 'number' ? variance : variance[at]!;
          sum += (derivative[at]! * (scaledBy?.[at] ?? 1)) ** 2 * own;
        }
      }
      for (const { step, rotation, factor } of sources) {
        addScaled(derivatives, step, derivative, rotation, factor);
      }
    }
    return Math.sqrt(sum);
  }

  formOf({ level, scale, size }: TapeValue): ValueForm {
    return { level, scale, size };
  }

  setScale(value: TapeValue, scale: number): void {
    value.scale = scale;
  }

  add(a: TapeValue, b: TapeValue): TapeValue {
    return this.#sum(a, b, 1);
  }

  sub(a: TapeValue, b: TapeValue): TapeValue {
    return this.#sum(a, b, -1);
  }

  addInto(sum: TapeValue, x: TapeValue): void {
    for (let slot = 0; slot < sum.slots.length; slot++) sum.slots[slot]! += x.slots[slot]!;
    sum.step = this.#step([from(sum), from(x)], 0);
  }

  multiply(a: TapeValue, b: TapeValue): TapeValue {
    const form = { level: a.level, scale: a.scale * b.scale, size: 3 };
    const slots = a.slots.map((x, slot) => x * b.slots[slot]!);
    return this.#value(form, slots, [from(a, b.slots), from(b, a.slots)], 0);
  }

  square(x: TapeValue): TapeValue {
    return this.multiply(x, x);
  }

  rescale(x: TapeValue): TapeValue {
    const prime = this.#modulus.primes[x.level];
    if (prime === undefined) throw new Error('a prime is left to divide by');
    const form = { level: x.level - 1, scale: x.scale / Number(prime), size: x.size };
    return this.#value(form, x.slots.slice(), [from(x)], this.#errors.rescale(form));
  }

  dropLevel(x: TapeValue, level: number): TapeValue {
    return this.#value({ ...this.formOf(x), level }, x.slots.slice(), [from(x)], 0);
  }

  relinearize(x: TapeValue): Promise<TapeValue> {
    const form = { level: x.level, scale: x.scale, size: 2 };
    const variance = this.#errors.relinearize(form);
    return Promise.resolve(this.#value(form, x.slots.slice(), [from(x)], variance));
  }

  rotate(x: TapeValue, step: number): Promise<TapeValue> {
    const source = { step: x.step, rotation: step, factor: 1 };
    const slots = rotateVector(x.slots, step);
    return Promise.resolve(this.#value(this.formOf(x), slots, [source], this.#errors.rotate(x)));
  }

  addConstant(x: TapeValue, constant: SlotConstant): TapeValue {
    const added = slotsOf(constant, x.slots.length);
    const slots = x.slots.map((a, slot) => a + added[slot]!);
    const variance = this.#errors.encoding(x.scale, typeof constant === 'number');
    return this.#value(this.formOf(x), slots, [from(x)], variance);
  }

  multiplyConstant(
    x: TapeValue,
    constant: SlotConstant,
    plainScale: number,
    scale: number,
  ): TapeValue {
    const factor = slotsOf(constant, x.slots.length);
    const rounding = this.#errors.encoding(plainScale, typeof constant === 'number');
    const slots = x.slots.map((a, slot) => a * factor[slot]!);
    const form = { ...this.formOf(x), scale };
    return this.#value(form, slots, [from(x, factor)], rounding, x.slots);
  }

  multiplyAddInto(sum: TapeValue, x: TapeValue, constant: SlotConstant, plainScale: number): void {
    const factor = slotsOf(constant, x.slots.length);
    const rounding = this.#errors.encoding(plainScale, typeof constant === 'number');
    for (let slot = 0; slot < sum.slots.length; slot++) {
      sum.slots[slot]! += factor[slot]! * x.slots[slot]!;
    }
    sum.step = this.#step([from(sum), from(x, factor)], rounding, x.slots);
  }

  vanishingProduct(x: TapeValue, plainScale: number, scale: number): TapeValue {
    return this.multiplyConstant(x, 1 / plainScale, plainScale, scale);
  }

  isTransparent(): boolean {
    return false;
  }

  dispose(): void {
    // The tape refers to every value until it is followed.
  }

  #sum(a: TapeValue, b: TapeValue, sign: 1 | -1): TapeValue {
    const form = { ...this.formOf(a), size: Math.max(a.size, b.size) };
    const slots = a.slots.map((x, slot) => x + sign * b.slots[slot]!);
    return this.#value(form, slots, [from(a), from(b, sign)], 0);
  }

  #value(
    form: ValueForm,
    slots: Slots,
    sources: readonly Source[],
    variance: SlotVariances,
    scaledBy?: Slots,
  ): TapeValue {
    return { ...form, slots, step: this.#step(sources, variance, scaledBy) };
  }

  #step(sources: readonly Source[], variance: SlotVariances, scaledBy?: Slots): number {
    return this.#steps.push({ sources, variance, ...(scaledBy && { scaledBy }) }) - 1;
  }
}

function from({ step }: TapeValue, factor: number | Slots = 1): Source {
  return { step, rotation: 0, factor };
}

/** Of its own array: a constant's is used again by the next one. */
function slotsOf(constant: SlotConstant, slots: number): Slots {
  return typeof constant === 'number'
    ? new Float64Array(slots).fill(constant)
    : constant.build().slice();
}

/** The derivative by a source: that by its step, times the factor, rotated back. */
function addScaled(
  derivatives: Map<number, Slots>,
  step: number,
  derivative: Slots,
  rotation: number,
  factor: number | Slots,
): void {
  const turned = rotation === 0 ? derivative : rotateVector(derivative, -rotation);
  const before = derivatives.get(step);
  const into = before ?? new Float64Array(turned.length);
  if (before === undefined) derivatives.set(step, into);
  for (let slot = 0; slot < into.length; slot++) {
    into[slot]! += turned[slot]! * (typeof factor === 'number' ? factor : factor[slot]!);
  }
}
