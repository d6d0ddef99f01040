/** The noise model of a simulated run: errors of an evaluator, drawn from a seed. */
import type { Modulus } from '../../ir/program.ts';
import { secretVariance } from '../../passes/noise/primitives.ts';
import { randomNumbers } from '../../passes/ranges/random.ts';
import type { NoiseModel } from './clear-engine.ts';
import { primitiveErrors } from './primitive-errors.ts';
import type { NoiseEvaluator, SlotVariances } from './primitive-errors.ts';

export interface NoiseOptions {
  readonly evaluator: NoiseEvaluator;
  /** The same seed gives the same errors on every machine. */
  readonly seed: number;
  /** Only the rounding of encoded weights and constants, which no key changes. */
  readonly encodingOnly?: boolean;
}

/**
 * Draw the errors of one secret key and all that is done under it.
 *
 * The secret's value in each slot is drawn once: a rescale's error is c·s(ζ_j), and a slot where the
 * secret is large has large errors throughout. Given that, errors are normal.
 */
export function drawNoise(
  modulus: Modulus,
  { evaluator, seed, encodingOnly = false }: NoiseOptions,
): NoiseModel {
  const random = randomNumbers(seed);
  /** In (0, 1], for logarithms. */
  const positive = (): number => 1 - random();
  const mean = modulus.ringDegree * secretVariance;
  const powers = new Float64Array(modulus.ringDegree / 2).map(() => -mean * Math.log(positive()));
  const errors = primitiveErrors(modulus, evaluator, powers);
  const normal = normalNumbers(positive);
  const add = (slots: Float64Array<ArrayBuffer>, variance: SlotVariances): void => {
    const deviation = typeof variance === 'number' ? Math.sqrt(variance) : 0;
    for (let slot = 0; slot < slots.length; slot++) {
      const own = typeof variance === 'number' ? deviation : Math.sqrt(variance[slot]!);
      slots[slot]! += own * normal();
    }
  };
  const encodings: Pick<NoiseModel, 'sum' | 'product'> = {
    sum: (slots, { scale }, scalar) => {
      // A number is rounded once for all slots.
      if (scalar) addToAll(slots, Math.sqrt(errors.encoding(scale, true)) * normal());
      else add(slots, errors.encoding(scale, false));
    },
    product: (slots, x, plainScale, scalar) => {
      const deviation = Math.sqrt(errors.encoding(plainScale, scalar));
      const common = scalar ? normal() : 0;
      for (let slot = 0; slot < slots.length; slot++) {
        slots[slot]! += x[slot]! * deviation * (scalar ? common : normal());
      }
    },
  };
  if (encodingOnly) return { ...encodings, ...silent };
  return {
    ...encodings,
    fresh: (slots, form) => {
      add(slots, errors.fresh(form));
    },
    rescale: (slots, form) => {
      add(slots, errors.rescale(form));
    },
    relinearize: (slots, form) => {
      add(slots, errors.relinearize(form));
    },
    rotate: (slots, form) => {
      add(slots, errors.rotate(form));
    },
  };
}

const nothing = (): void => undefined;
const silent = { fresh: nothing, rescale: nothing, relinearize: nothing, rotate: nothing };

function addToAll(slots: Float64Array<ArrayBuffer>, value: number): void {
  for (let slot = 0; slot < slots.length; slot++) slots[slot]! += value;
}

/** Normal numbers of variance 1, by pairs. Source: Box and Muller, 1958. */
function normalNumbers(uniform: () => number): () => number {
  let spare: number | null = null;
  return () => {
    if (spare !== null) {
      const value = spare;
      spare = null;
      return value;
    }
    const radius = Math.sqrt(-2 * Math.log(uniform()));
    const angle = 2 * Math.PI * uniform();
    spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  };
}
