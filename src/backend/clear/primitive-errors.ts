/** Slot variances that the primitives of one evaluator add, for one modulus. */
import type { Modulus } from '../../ir/program.ts';
import {
  digitsOf,
  encodingVariance,
  freshCoefficient,
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
  rescale(form: ValueForm): number;
  relinearize(form: ValueForm): SlotVariances;
  rotate(form: ValueForm): SlotVariances;
}

/**
 * The errors that an evaluator adds.
 *
 * Native keeps rotated values modulo Q·P until their products are summed: what a rotation adds there
 * is the error of its digits alone, for the division by P happens at the scale of the product.
 */
export function primitiveErrors(modulus: Modulus, evaluator: NoiseEvaluator): PrimitiveErrors {
  const n = modulus.ringDegree;
  const digits = digitsOf(modulus, evaluator === 'native' ? 'centred' : 'uncentred');
  const keySwitch = ({ level, scale }: ValueForm, rounding: number): SlotVariances => {
    const mean = slotVariance(n, switchCoefficient(modulus, level, digits), scale);
    const rounded = slotVariance(n, rounding, scale);
    if (digits === 'centred') return mean + rounded;
    return uncentredProfile(n).map((share) => share * mean + rounded);
  };
  return {
    fresh: ({ scale }) =>
      slotVariance(n, freshCoefficient, scale) + encodingVariance(n, scale, false),
    encoding: (scale, scalar) => encodingVariance(n, scale, scalar),
    rescale: ({ scale, size }) => slotVariance(n, roundingCoefficient(n, size), scale),
    relinearize: (form) => keySwitch(form, roundingCoefficient(n)),
    rotate: (form) => keySwitch(form, evaluator === 'native' ? 0 : roundingCoefficient(n)),
  };
}
