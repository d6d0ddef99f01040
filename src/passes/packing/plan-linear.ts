/** What a linear map between two layouts costs, and its best baby-step giant-step split. */
import { invariant } from '../../errors.ts';
import { neverRotates } from '../../ir/ckks/group-products.ts';
import type { Layout } from '../../layout/layout.ts';
import { entryCount, sameMaps } from '../../ir/linear-map.ts';
import type { LinearMap } from '../../ir/linear-map.ts';
import { foldRotations, forEachDiagonal, splitRotation } from '../../ir/packed/diagonals.ts';
import type { Fold } from '../../ir/packed/diagonals.ts';
import { operationSeconds, profileOf } from '../cost/profile.ts';
import type { LinearCounts } from '../cost/linear-work.ts';
import { noConstants } from '../cost/profile.ts';
import type { EncodedConstants, OperationSeconds } from '../cost/profile.ts';
import { isEnabled } from '../optimisations.ts';
import type { CompileOptions } from '../options.ts';

export interface LinearPlan {
  readonly giantStep: number;
  /** Rotations over all ciphertexts: baby steps, giant steps and folds. */
  readonly rotations: number;
  /** Plaintext multiplications: distinct (output ciphertext, input ciphertext, rotation). */
  readonly diagonals: number;
  /** With its encoded diagonals kept from one execution to the next. */
  readonly seconds: number;
  readonly constants: EncodedConstants;
}

/** What a linear map is planned by. */
export interface LinearCosts {
  readonly seconds: OperationSeconds;
  /** Whether rotations may be split into baby and giant steps. */
  readonly giantSteps: boolean;
  /** Whether the rotations of an input may share its decomposition. */
  readonly hoisting: boolean;
}

/** What a linear map of values with so many data primes is planned by. */
export function linearCosts(
  options: CompileOptions,
  ringDegree: number,
  primes: number,
  specialPrimes: number,
): LinearCosts {
  return {
    seconds: operationSeconds(profileOf(options), ringDegree, primes, specialPrimes),
    giantSteps: isEnabled(options, 'giant-steps'),
    hoisting: isEnabled(options, 'hoist-rotations'),
  };
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
  const set = atMostDiagonals(maps, inputs, output, fold, Infinity);
  invariant(set !== null, 'there is no limit to them');
  return set;
}

/** The distinct diagonals, or null as soon as there are more than `most`. */
function atMostDiagonals(
  maps: readonly LinearMap[],
  inputs: readonly Layout[],
  output: Layout,
  fold: Fold | null,
  most: number,
): DiagonalSet | null {
  const [first] = maps;
  invariant(first !== undefined, 'a linear operation has a matrix');
  const key = JSON.stringify([inputs, output, fold]);
  const known = listed.get(first);
  if (known?.key === key && sameMaps(known.maps, maps)) {
    return known.set.rotation.length > most ? null : known.set;
  }
  const set = listDiagonals(maps, inputs, output, fold, most);
  if (set === null) return null;
  listed.set(first, { maps, key, set });
  return set;
}

/** Ends a walk over products that has found too many diagonals. */
const tooMany = new Error('too many diagonals');

function listDiagonals(
  maps: readonly LinearMap[],
  inputs: readonly Layout[],
  output: Layout,
  fold: Fold | null,
  most: number,
): DiagonalSet | null {
  const inCount = inputs.reduce((sum, layout) => sum + layout.ciphertexts, 0);
  const { slots } = output;
  const keys = new Set<number>();
  const places = output.ciphertexts * inCount * slots;
  const entries = maps.reduce((sum, map) => sum + entryCount(map), 0);
  // A byte for each that there could be, unless that is far more than there are.
  const dense = places <= 2 ** 27 && places <= 64 * entries;
  const bits = dense ? new Uint8Array(places) : null;
  let firstIn = 0;
  let found = 0;
  const walk = (map: LinearMap, input: Layout): void => {
    let last = -1;
    const first = firstIn;
    forEachDiagonal(map, input, output, fold, (outCiphertext, _, inCiphertext, rotation) => {
      const key =
        (outCiphertext * inCount + first + inCiphertext) * slots + ((rotation + slots) % slots);
      // Runs of one diagonal often follow each other.
      if (key === last) return;
      last = key;
      if (bits === null) {
        keys.add(key);
        found = keys.size;
      } else if (bits[key] === 0) {
        bits[key] = 1;
        found++;
      }
      if (found > most) throw tooMany;
    });
    firstIn += input.ciphertexts;
  };
  try {
    maps.forEach((map, k) => {
      const input = inputs[k];
      if (input !== undefined) walk(map, input);
    });
  } catch (error) {
    if (error === tooMany) return null;
    throw error;
  }
  const list = bits === null ? Float64Array.from(keys).sort() : markedKeys(bits);
  const half = slots / 2;
  return {
    outCiphertext: Int32Array.from(list, (key) => Math.floor(key / slots / inCount)),
    inCiphertext: Int32Array.from(list, (key) => Math.floor(key / slots) % inCount),
    rotation: Int32Array.from(list, (key) =>
      key % slots > half ? (key % slots) - slots : key % slots,
    ),
  };
}

/** The keys of the bytes that are set, ascending. */
function markedKeys(bits: Uint8Array): Float64Array<ArrayBuffer> {
  const keys = new Float64Array(bits.reduce((sum, bit) => sum + bit, 0));
  let at = 0;
  for (let key = bits.indexOf(1); key >= 0; key = bits.indexOf(1, key + 1)) keys[at++] = key;
  return keys;
}

/** Distinct rotations of each ciphertext: what baby and giant steps are counted over. */
interface RotationPairs {
  readonly ciphertext: Int32Array;
  readonly rotation: Int32Array;
}

function distinctPairs(ciphertext: Int32Array, rotation: Int32Array, slots: number): RotationPairs {
  const keys = new Set<number>();
  for (let k = 0; k < rotation.length; k++)
    keys.add(ciphertext[k]! * 2 * slots + rotation[k]! + slots);
  return {
    ciphertext: Int32Array.from(keys, (key) => Math.floor(key / (2 * slots))),
    rotation: Int32Array.from(keys, (key) => (key % (2 * slots)) - slots),
  };
}

interface SetRotations {
  readonly ofInputs: RotationPairs;
  readonly ofOutputs: RotationPairs;
}

/** The rotations of a set, each once an input and once an output. */
export function distinctRotations(set: DiagonalSet, slots: number): SetRotations {
  return {
    ofInputs: distinctPairs(set.inCiphertext, set.rotation, slots),
    ofOutputs: distinctPairs(set.outCiphertext, set.rotation, slots),
  };
}

/** The rotations of a linear map, as far as they depend on its giant step. */
export type RotationCounts = Pick<
  LinearCounts,
  'babies' | 'decompositions' | 'redivided' | 'plainInputs' | 'giants' | 'turnedOutputs'
>;

/** Rotations that a giant step G leads to: distinct (input, baby) and (output, giant) other than zero. */
export function countRotations(
  { ofInputs, ofOutputs }: SetRotations,
  giantStep: number,
  slots: number,
): RotationCounts {
  const babies = new Set<number>();
  const giants = new Set<number>();
  const rotatedInputs = new Set<number>();
  const plainInputs = new Set<number>();
  const turnedOutputs = new Set<number>();
  for (let k = 0; k < ofInputs.rotation.length; k++) {
    const { baby } = splitRotation(ofInputs.rotation[k]!, giantStep, slots);
    const input = ofInputs.ciphertext[k]!;
    (baby === 0 ? plainInputs : rotatedInputs).add(input);
    if (baby !== 0) babies.add(input * slots + baby + slots);
  }
  for (let k = 0; k < ofOutputs.rotation.length; k++) {
    const { giant } = splitRotation(ofOutputs.rotation[k]!, giantStep, slots);
    if (giant === 0) continue;
    turnedOutputs.add(ofOutputs.ciphertext[k]!);
    giants.add(ofOutputs.ciphertext[k]! * slots + giant + slots);
  }
  return {
    babies: babies.size,
    decompositions: rotatedInputs.size,
    redivided: 0,
    plainInputs: plainInputs.size,
    giants: giants.size,
    turnedOutputs: turnedOutputs.size,
  };
}

/** Count what a set of diagonals is made of with a giant step. */
export function linearCounts(
  set: DiagonalSet,
  giantStep: number,
  fold: Fold | null,
  { slots, ciphertexts }: Layout,
): LinearCounts {
  return {
    ...countRotations(distinctRotations(set, slots), giantStep, slots),
    diagonals: set.rotation.length,
    outputs: ciphertexts,
    folds: foldRotations(fold).length,
  };
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
export function giantStepCandidates(inputs: readonly Layout[], output: Layout): number[] {
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
 * Plan a linear map between layouts: the giant step of the least modelled time, and that time.
 *
 * Baby steps rotate one input, so an evaluator that shares their decomposition takes more of them and
 * fewer giant steps; elsewhere the fewest rotations win.
 *
 * Cost: one pass over the diagonals of the map, and one over the distinct rotations of each
 * ciphertext per candidate step.
 */
export function planLinear(
  maps: readonly LinearMap[],
  inputs: readonly Layout[],
  output: Layout,
  fold: Fold | null,
  costs: LinearCosts,
): LinearPlan {
  const plan = planLinearWithin(maps, inputs, output, fold, costs, Infinity);
  invariant(plan !== null, 'there is no limit to it');
  return plan;
}

/** As `planLinear`, or null as soon as its products alone take more than `most` seconds. */
export function planLinearWithin(
  maps: readonly LinearMap[],
  inputs: readonly Layout[],
  output: Layout,
  fold: Fold | null,
  { seconds, giantSteps, hoisting }: LinearCosts,
  most: number,
): LinearPlan | null {
  const scalar = neverRotates(inputs, output);
  const perDiagonal = scalar ? seconds.multiplyScalar : seconds.multiplyPlain;
  const set = atMostDiagonals(maps, inputs, output, fold, most / perDiagonal);
  if (set === null) return null;
  const diagonals = set.rotation.length;
  const rescales = output.ciphertexts * seconds.rescale;
  if (scalar) {
    return {
      ...{ giantStep: 0, rotations: 0, diagonals, constants: noConstants },
      seconds: diagonals * perDiagonal + rescales,
    };
  }
  const folds = foldRotations(fold).length;
  const outputs = output.ciphertexts;
  let best: LinearPlan | null = null;
  const steps =
    !giantSteps || set.rotation.every((rotation) => rotation === 0)
      ? [0]
      : giantStepCandidates(inputs, output);
  const distinct = distinctRotations(set, output.slots);
  for (const giantStep of steps) {
    const counts = countRotations(distinct, giantStep, output.slots);
    const decompositions = hoisting ? counts.decompositions : counts.babies;
    const map = seconds.linear({ ...counts, decompositions, diagonals, outputs, folds });
    const cost = map.seconds + rescales;
    if (best !== null && cost >= best.seconds) continue;
    const rotations = counts.babies + counts.giants + folds * outputs;
    best = { giantStep, rotations, diagonals, seconds: cost, constants: map.constants };
  }
  return best;
}
