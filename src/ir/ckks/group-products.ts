/**
 * The work of one `ckks.linear`: its products gathered into diagonals.
 *
 * A group is one plaintext: all products of one output ciphertext, giant step, input ciphertext and
 * baby step. With y[s] += w · x[s + rotation] and rotation = baby + giant, the evaluator computes
 *
 *   y = Σ_giant rotate(Σ_baby diagonal ⊙ rotate(x, baby), giant)
 *
 * so w stands in slot s + giant of the diagonal. Zero weights have no products: diagonals of zeros do
 * not exist here. In a batch layout every group has rotation 0 and is one number.
 */
import { CipherloomError, invariant } from '../../errors.ts';
import { isBatchLayout } from '../../layout/layout.ts';
import type { Layout } from '../../layout/layout.ts';
import type { AffineMap } from '../define-op.ts';
import { sameMaps } from '../linear-map.ts';
import type { LinearMap } from '../linear-map.ts';
import { centredRotation, forEachDiagonal, splitRotation } from '../packed/diagonals.ts';
import type { LinearMethod, VisitDiagonal } from '../packed/diagonals.ts';

/** Groups in the order output ciphertext, giant step, operand, input ciphertext, baby step. */
export interface LinearGroups {
  readonly count: number;
  readonly outCiphertext: Int32Array<ArrayBuffer>;
  /** Rotation of the sum to the left, in (−slots/2, slots/2]. */
  readonly giant: Int32Array<ArrayBuffer>;
  readonly operand: Int32Array<ArrayBuffer>;
  readonly inCiphertext: Int32Array<ArrayBuffer>;
  /** Rotation of the input to the left, in (−slots/2, slots/2]. */
  readonly baby: Int32Array<ArrayBuffer>;
  /** The runs of group g are start[g] … start[g + 1] − 1: products in slots that follow evenly. */
  readonly start: Int32Array<ArrayBuffer>;
  /** Per run, its first slot of the plaintext (for the first image of a batch); repeated ones add up. */
  readonly slot: Uint16Array<ArrayBuffer>;
  /** Per run, how many products follow the first. */
  readonly more: Uint16Array<ArrayBuffer>;
  /** Per run, the index of its first weight. */
  readonly weight: Int32Array<ArrayBuffer>;
  /** Per run, the number of its steps: from slot to slot and from weight to weight. */
  readonly steps: Int32Array<ArrayBuffer>;
  readonly slotSteps: readonly number[];
  readonly weightSteps: readonly number[];
  /** The weights of each operand. */
  readonly weights: readonly Float64Array<ArrayBuffer>[];
  readonly slots: number;
}

/** Runs of products of one operation: 2^27 are about 4 GB while they are gathered. */
const maxRuns = 2 ** 27;

function refuseRuns(runs: number): never {
  throw new CipherloomError(
    'RESOURCE_LIMIT',
    `a linear map takes more than ${maxRuns} runs of products`,
    { phase: 'ckks', details: { runs, limit: maxRuns } },
  );
}

/** What was gathered for a map stays right as long as the map lives; the last layouts are remembered. */
const gathered = new WeakMap<
  LinearMap,
  { readonly maps: readonly LinearMap[]; readonly key: string; readonly groups: LinearGroups }
>();

/**
 * Gather the products of an affine map between layouts.
 *
 * Cost: 12 bytes for each run of products (thrice while they are gathered), and a share of a sort.
 * Throws RESOURCE_LIMIT where there are too many of them to number.
 */
export function groupProducts(
  affine: AffineMap,
  inputs: readonly Layout[],
  output: Layout,
  method: LinearMethod,
): LinearGroups {
  const [first] = affine.maps;
  invariant(first !== undefined, 'a linear operation has a matrix');
  const key = JSON.stringify([inputs, output, method.giantStep, method.fold]);
  const known = gathered.get(first);
  if (known?.key === key && sameMaps(known.maps, affine.maps)) return known.groups;
  const groups = gatherProducts(affine, inputs, output, method);
  gathered.set(first, { maps: affine.maps, key, groups });
  return groups;
}

function gatherProducts(
  affine: AffineMap,
  inputs: readonly Layout[],
  output: Layout,
  method: LinearMethod,
): LinearGroups {
  const { slots } = output;
  const visitAll = (visit: (operand: number) => VisitDiagonal): void => {
    affine.maps.forEach((map, operand) => {
      const input = inputs[operand];
      invariant(input !== undefined, 'one layout per operand');
      forEachDiagonal(map, input, output, method.fold, withoutZeros(map.weights, visit(operand)));
    });
  };

  // Rotations are in (−slots/2, slots/2]: tables by rotation, not maps, for millions of runs.
  const half = slots / 2;
  const seen = new Uint8Array(slots + 1);
  /** Where the runs of each output ciphertext begin, once they are counted. */
  const from = new Int32Array(output.ciphertexts + 1);
  let total = 0;
  visitAll(() => (outCiphertext, __, ___, rotation) => {
    seen[rotation + half] = 1;
    from[outCiphertext + 1]!++;
    // Before they take memory, and before more of them are counted.
    if (++total > maxRuns) refuseRuns(total);
  });
  const most = from.reduce((a, b) => Math.max(a, b), 1);
  from.forEach((runs, c) => (from[c] = runs + (from[c - 1] ?? 0)));
  const babyOf = new Int32Array(slots + 1);
  const giantOf = new Int32Array(slots + 1);
  seen.forEach((present, at) => {
    if (present === 0) return;
    const { baby, giant } = splitRotation(at - half, method.giantStep, slots);
    babyOf[at] = centredRotation(baby, slots);
    giantOf[at] = giant;
  });
  const ascending = (steps: Int32Array): number[] =>
    [...new Set(steps.filter((_, at) => seen[at] === 1))].sort((a, b) => a - b);
  const babies = ascending(babyOf);
  const giants = ascending(giantOf);
  const ranks = (
    steps: readonly number[],
    of: Int32Array<ArrayBuffer>,
  ): Int32Array<ArrayBuffer> => {
    const rank = new Int32Array(slots + 1);
    steps.forEach((step, n) => (rank[step + half] = n));
    return of.map((step) => rank[step + half]!);
  };
  const babyIndex = ranks(babies, babyOf);
  const giantIndex = ranks(giants, giantOf);

  // A group's number among those of its output ciphertext orders it; number × most + place sorts that
  // ciphertext's runs by group, in their order.
  const operands = affine.maps.length;
  const inCiphertexts = inputs.reduce((widest, layout) => Math.max(widest, layout.ciphertexts), 1);
  const numbers = giants.length * operands * inCiphertexts * babies.length;
  if (numbers * most > Number.MAX_SAFE_INTEGER) {
    throw new CipherloomError(
      'RESOURCE_LIMIT',
      `a linear map of ${total} runs of products from ${inCiphertexts} ciphertexts is too large`,
      { phase: 'ckks', details: { runs: total, groups: numbers } },
    );
  }
  const order = new Float64Array(total);
  const slot = new Uint16Array(total);
  const more = new Uint16Array(total);
  const weight = new Int32Array(total);
  const steps = new Int32Array(total);
  const stepPairs = pairNumberer();
  const placed = new Int32Array(output.ciphertexts);
  visitAll(
    (operand) =>
      (outCiphertext, first, inCiphertext, rotation, w, length, slotStep, weightStep) => {
        let number = giantIndex[rotation + half]!;
        number = number * operands + operand;
        number = number * inCiphertexts + inCiphertext;
        number = number * babies.length + babyIndex[rotation + half]!;
        const place = placed[outCiphertext]!++;
        const run = from[outCiphertext]! + place;
        order[run] = number * most + place;
        slot[run] = (first + giantOf[rotation + half]!) & (slots - 1);
        more[run] = length - 1;
        weight[run] = w;
        steps[run] = length === 1 ? 0 : stepPairs.of(slotStep, weightStep);
      },
  );
  let count = 0;
  for (let c = 0; c < output.ciphertexts; c++) {
    let last = -1;
    for (const key of order.subarray(from[c], from[c + 1]).sort()) {
      const number = Math.floor(key / most);
      if (number !== last) count++;
      last = number;
    }
  }
  const groups = {
    count,
    outCiphertext: new Int32Array(count),
    giant: new Int32Array(count),
    operand: new Int32Array(count),
    inCiphertext: new Int32Array(count),
    baby: new Int32Array(count),
    start: new Int32Array(count + 1),
    slot: new Uint16Array(total),
    more: new Uint16Array(total),
    weight: new Int32Array(total),
    steps: new Int32Array(total),
    slotSteps: stepPairs.first,
    weightSteps: stepPairs.second,
    weights: affine.maps.map(({ weights }) => weights),
    slots,
  };
  let group = -1;
  for (let c = 0; c < output.ciphertexts; c++) {
    let last = -1;
    for (let at = from[c]!; at < from[c + 1]!; at++) {
      let number = Math.floor(order[at]! / most);
      const run = from[c]! + order[at]! - number * most;
      groups.slot[at] = slot[run]!;
      groups.more[at] = more[run]!;
      groups.weight[at] = weight[run]!;
      groups.steps[at] = steps[run]!;
      if (number === last) continue;
      last = number;
      group++;
      groups.start[group] = at;
      groups.outCiphertext[group] = c;
      groups.baby[group] = babies[number % babies.length]!;
      number = Math.floor(number / babies.length);
      groups.inCiphertext[group] = number % inCiphertexts;
      number = Math.floor(number / inCiphertexts);
      groups.operand[group] = number % operands;
      groups.giant[group] = giants[Math.floor(number / operands)]!;
    }
  }
  groups.start[count] = total;
  return groups;
}

/** Leave out products with a weight of zero: a diagonal of zeros is none. */
function withoutZeros(weights: Float64Array, visit: VisitDiagonal): VisitDiagonal {
  if (!weights.includes(0)) return visit;
  return (outCiphertext, slot, inCiphertext, rotation, weight, length, slotStep, weightStep) => {
    for (let n = 0; n < length;) {
      let end = n;
      if (weightStep === 0) end = weights[weight] === 0 ? n : length;
      else while (end < length && weights[weight + end * weightStep] !== 0) end++;
      if (end > n) {
        const [s, w] = [slot + n * slotStep, weight + n * weightStep];
        visit(outCiphertext, s, inCiphertext, rotation, w, end - n, slotStep, weightStep);
      }
      n = weightStep === 0 ? length : end + 1;
    }
  };
}

/** Numbers for pairs in the order they are met; pair 0 is (0, 0). */
function pairNumberer(): {
  readonly of: (a: number, b: number) => number;
  readonly first: readonly number[];
  readonly second: readonly number[];
} {
  const first = [0];
  const second = [0];
  const numbers = new Map([[0, 0]]);
  let last = 0;
  return {
    of(a, b) {
      // Runs of one segment follow each other.
      if (first[last] === a && second[last] === b) return last;
      const key = a + b * 2 ** 20;
      const known = numbers.get(key);
      last = known ?? first.length;
      if (known === undefined) {
        numbers.set(key, last);
        first.push(a);
        second.push(b);
      }
      return last;
    },
    first,
    second,
  };
}

/** Add the products of a group to the slots of its plaintext, for each image of a batch. */
export function addDiagonal(
  groups: LinearGroups,
  group: number,
  batchOffsets: Int32Array,
  into: Float64Array,
): void {
  const { start, slot, more, weight, steps, slotSteps, weightSteps, slots } = groups;
  const mask = slots - 1;
  const weights = groups.weights[groups.operand[group]!]!;
  for (const offset of batchOffsets) {
    for (let run = start[group]!; run < start[group + 1]!; run++) {
      const slotStep = slotSteps[steps[run]!]!;
      const weightStep = weightSteps[steps[run]!]!;
      let at = slot[run]! + offset;
      let w = weight[run]!;
      for (let left = more[run]!; left >= 0; left--, at += slotStep, w += weightStep) {
        into[at & mask]! += weights[w]!;
      }
    }
  }
}

/** The sum of the products of a group: its one number in a batch layout. */
export function sumOfGroup(groups: LinearGroups, group: number): number {
  const { start, more, weight, steps, weightSteps } = groups;
  const weights = groups.weights[groups.operand[group]!]!;
  let sum = 0;
  for (let run = start[group]!; run < start[group + 1]!; run++) {
    const weightStep = weightSteps[steps[run]!]!;
    for (let n = 0; n <= more[run]!; n++) sum += weights[weight[run]! + n * weightStep]!;
  }
  return sum;
}

/** Whether a linear map between these layouts never rotates: every group is one number. */
export function neverRotates(inputs: readonly Layout[], output: Layout): boolean {
  return isBatchLayout(output) && inputs.every(isBatchLayout);
}
