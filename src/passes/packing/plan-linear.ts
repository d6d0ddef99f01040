/** What a linear map between two layouts costs, and its best baby-step giant-step split. */
import { invariant } from '../../errors.ts';
import { neverRotates } from '../../ir/ckks/group-products.ts';
import type { Layout } from '../../layout/layout.ts';
import { sameMaps } from '../../ir/linear-map.ts';
import type { LinearMap } from '../../ir/linear-map.ts';
import { diagonalTerms, foldRotations, splitRotation } from '../../ir/packed/diagonals.ts';
import type { Fold } from '../../ir/packed/diagonals.ts';
import type { OperationSeconds } from '../cost/profile.ts';

export interface LinearPlan {
  readonly giantStep: number;
  /** Rotations over all ciphertexts: baby steps, giant steps and folds. */
  readonly rotations: number;
  /** Plaintext multiplications: distinct (output ciphertext, input ciphertext, rotation). */
  readonly diagonals: number;
  readonly seconds: number;
}

/** Distinct diagonals of a map, without their values. */
export interface DiagonalSet {
  readonly outCiphertext: Int32Array;
  /** Input ciphertexts of all operands, numbered through. */
  readonly inCiphertext: Int32Array;
  readonly rotation: Int32Array;
}

/** The diagonals last listed for a map: several passes ask for those of the chosen layouts. */
const listed = new WeakMap<
  LinearMap,
  { readonly maps: readonly LinearMap[]; readonly key: string; readonly set: DiagonalSet }
>();

/** List the distinct (output ciphertext, input ciphertext, rotation) of a linear map between layouts. */
export function distinctDiagonals(
  maps: readonly LinearMap[],
  inputs: readonly Layout[],
  output: Layout,
  fold: Fold | null,
): DiagonalSet {
  const [first] = maps;
  invariant(first !== undefined, 'a linear operation has a matrix');
  const key = JSON.stringify([inputs, output, fold]);
  const known = listed.get(first);
  if (known?.key === key && sameMaps(known.maps, maps)) return known.set;
  const set = listDiagonals(maps, inputs, output, fold);
  listed.set(first, { maps, key, set });
  return set;
}

function listDiagonals(
  maps: readonly LinearMap[],
  inputs: readonly Layout[],
  output: Layout,
  fold: Fold | null,
): DiagonalSet {
  const inCount = inputs.reduce((sum, layout) => sum + layout.ciphertexts, 0);
  const { slots } = output;
  const keys = new Set<number>();
  const dense = output.ciphertexts * inCount * slots <= 2 ** 27;
  const bits = dense ? new Uint8Array(output.ciphertexts * inCount * slots) : null;
  let firstIn = 0;
  maps.forEach((map, k) => {
    const input = inputs[k];
    if (input === undefined) return;
    const terms = diagonalTerms(map, input, output, fold);
    for (let t = 0; t < terms.rotation.length; t++) {
      const key =
        ((terms.outCiphertext[t] ?? 0) * inCount + firstIn + (terms.inCiphertext[t] ?? 0)) * slots +
        (((terms.rotation[t] ?? 0) + slots) % slots);
      if (bits === null) keys.add(key);
      else bits[key] = 1;
    }
    firstIn += input.ciphertexts;
  });
  if (bits !== null) bits.forEach((bit, key) => bit === 1 && keys.add(key));
  const list = [...keys].sort((a, b) => a - b);
  const half = slots / 2;
  return {
    outCiphertext: Int32Array.from(list, (key) => Math.floor(key / slots / inCount)),
    inCiphertext: Int32Array.from(list, (key) => Math.floor(key / slots) % inCount),
    rotation: Int32Array.from(list, (key) =>
      key % slots > half ? (key % slots) - slots : key % slots,
    ),
  };
}

/** Rotations that a giant step G leads to: distinct (input, baby) and (output, giant) other than zero. */
export function countRotations(
  set: DiagonalSet,
  giantStep: number,
  slots: number,
): { readonly babies: number; readonly giants: number } {
  const babies = new Set<number>();
  const giants = new Set<number>();
  for (let k = 0; k < set.rotation.length; k++) {
    const { baby, giant } = splitRotation(set.rotation[k] ?? 0, giantStep, slots);
    if (baby !== 0) babies.add((set.inCiphertext[k] ?? 0) * slots + baby + slots);
    if (giant !== 0) giants.add((set.outCiphertext[k] ?? 0) * slots + giant + slots);
  }
  return { babies: babies.size, giants: giants.size };
}

/** Whether some input ciphertext is rotated by two or more baby steps. */
export function sharesDecomposition(set: DiagonalSet, giantStep: number, slots: number): boolean {
  const first = new Map<number, number>();
  for (let k = 0; k < set.rotation.length; k++) {
    const { baby } = splitRotation(set.rotation[k] ?? 0, giantStep, slots);
    if (baby === 0) continue;
    const input = set.inCiphertext[k] ?? 0;
    const known = first.get(input);
    if (known !== undefined && known !== baby) return true;
    first.set(input, baby);
  }
  return false;
}

/** Giant steps worth trying: powers of two, and multiples of the slot strides of the layouts. */
function giantStepCandidates(inputs: readonly Layout[], output: Layout): number[] {
  const candidates = new Set<number>([0]);
  for (let step = 2; step < output.slots; step *= 2) candidates.add(step);
  for (const layout of [...inputs, output]) {
    for (const digit of layout.digits) {
      if (digit.place !== 'slot' || digit.of === 'batch') continue;
      for (const factor of [1, 2, 3, 4, 6, 8, 16]) {
        const step = digit.stride * factor;
        if (step > 1 && step < output.slots) candidates.add(step);
      }
    }
  }
  return [...candidates].sort((a, b) => a - b);
}

/**
 * Plan a linear map between layouts: the giant step with the cheapest rotations, and the modelled time.
 *
 * Baby steps rotate one input, so an evaluator that shares their decomposition takes more of them and
 * fewer giant steps; elsewhere the fewest rotations win.
 *
 * Cost: one pass over the terms of the map and one over its distinct diagonals per candidate step.
 */
export function planLinear(
  maps: readonly LinearMap[],
  inputs: readonly Layout[],
  output: Layout,
  fold: Fold | null,
  seconds: OperationSeconds,
): LinearPlan {
  const set = distinctDiagonals(maps, inputs, output, fold);
  const diagonals = set.rotation.length;
  const perDiagonal =
    (neverRotates(inputs, output)
      ? seconds.multiplyScalar
      : seconds.encode + seconds.multiplyPlain) + seconds.add;
  let giantStep = 0;
  // A baby step counted in rotations.
  const baby = seconds.rotateHoisted / seconds.rotate;
  let rotations = 0;
  let cheapest = Infinity;
  const steps = set.rotation.every((rotation) => rotation === 0)
    ? [0]
    : giantStepCandidates(inputs, output);
  for (const step of steps) {
    const { babies, giants } = countRotations(set, step, output.slots);
    const cost = baby * babies + giants;
    if (cost < cheapest) {
      cheapest = cost;
      rotations = babies + giants;
      giantStep = step;
    }
  }
  const folds = foldRotations(fold).length * output.ciphertexts;
  rotations += folds;
  return {
    giantStep,
    rotations,
    diagonals,
    seconds:
      (cheapest + folds) * seconds.rotate +
      diagonals * perDiagonal +
      output.ciphertexts * seconds.rescale,
  };
}
