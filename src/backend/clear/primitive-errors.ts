/** Slot variances that the primitives of one evaluator add, for one modulus. */
import type { Modulus } from '../../ir/program.ts';
import {
  digitsOf,
  encodingVariance,
  freshCoefficient,
  roundingAt,
  roundingCoefficient,
  slotVariance,
  switchCoefficient,
  uncentredProfile,
} from '../../passes/noise/primitives.ts';
import type { ValueForm } from '../execute/engine.ts';

/** Evaluators of ciphertexts, whose key switches differ. */
export type NoiseEvaluator = 'native' | 'seal';

/** One number for every slot, or one a slot. */
export type SlotVariances = number | Float64Array<ArrayBuffer>;

export interface PrimitiveErrors {
  /** Encryption of a vector encoded at the scale of the form. */
  fresh(form: ValueForm): number;
  /** An encoded vector, or a number in every slot. */
  encoding(scale: number, scalar: boolean): number;
  /** Division by a prime; the form is that of the result. */
  rescale(form: ValueForm): SlotVariances;
  relinearize(form: ValueForm): SlotVariances;
  rotate(form: ValueForm): SlotVariances;
}

/**
 * The errors that an evaluator adds: over all keys, or under the one whose secret takes values of
 * these squared magnitudes in the slots.
 *
 * Native keeps rotated values modulo Q·P until their products are summed: what a rotation adds there
 * is the error of its digits alone, for the division by P happens at the scale of the product.
 */
export function primitiveErrors(
  modulus: Modulus,
  evaluator: NoiseEvaluator,
  secretPowers?: Float64Array<ArrayBuffer>,
): PrimitiveErrors {
  const n = modulus.ringDegree;
  const digits = digitsOf(modulus, evaluator === 'native' ? 'centred' : 'uncentred');
  const rounding = (scale: number, size: number): SlotVariances =>
    secretPowers === undefined
      ? slotVariance(n, roundingCoefficient(n, size), scale)
      : secretPowers.map((power) => slotVariance(n, roundingAt(power, size), scale));
  const keySwitch = ({ level, scale }: ValueForm): SlotVariances => {
    const mean = slotVariance(n, switchCoefficient(modulus, level, digits), scale);
    return digits === 'centred' ? mean : uncentredProfile(n).map((share) => share * mean);
  };
  return {
    fresh: ({ scale }) =>
      slotVariance(n, freshCoefficient, scale) + encodingVariance(n, scale, false),
    encoding: (scale, scalar) => encodingVariance(n, scale, scalar),
    rescale: ({ scale, size }) => rounding(scale, size),
    relinearize: (form) => sumOf(keySwitch(form), rounding(form.scale, 2)),
    rotate: (form) =>
      evaluator === 'native' ? keySwitch(form) : sumOf(keySwitch(form), rounding(form.scale, 2)),
  };
}

function sumOf(a: SlotVariances, b: SlotVariances): SlotVariances {
  if (typeof a !== 'number') {
    return a.map((each, slot) => each + (typeof b === 'number' ? b : b[slot]!));
  }
  return typeof b === 'number' ? a + b : sumOf(b, a);
}
