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
import { centredRotation, diagonalTerms, splitRotation } from '../packed/diagonals.ts';
import type { LinearMethod } from '../packed/diagonals.ts';

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
  /** The entries of group g are start[g] … start[g + 1] − 1. */
  readonly start: Int32Array<ArrayBuffer>;
  /** Per entry, the slot of the plaintext (for the first image of a batch); repeated ones add up. */
  readonly slot: Int32Array<ArrayBuffer>;
  readonly weight: Float64Array<ArrayBuffer>;
}

/** What was gathered for a map stays right as long as the map lives; the last layouts are remembered. */
const gathered = new WeakMap<
  LinearMap,
  { readonly maps: readonly LinearMap[]; readonly key: string; readonly groups: LinearGroups }
>();

/**
 * Gather the products of an affine map between layouts.
 *
 * Cost: 12 bytes and a share of a sort for each product. Throws RESOURCE_LIMIT where there are too
 * many of them to number.
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
  const terms = affine.maps.map((map, operand) => {
    const input = inputs[operand];
    invariant(input !== undefined, 'one layout per operand');
    return diagonalTerms(map, input, output, method.fold);
  });

  // Rotations are in (−slots/2, slots/2]: tables by rotation, not maps, for millions of products.
  const half = slots / 2;
  const seen = new Uint8Array(slots + 1);
  for (const { rotation } of terms) for (const step of rotation) seen[step + half] = 1;
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

  // A group's number orders it; number × terms + term sorts the terms by group, in their order.
  const total = terms.reduce((sum, { outSlot }) => sum + outSlot.length, 0);
  const inCiphertexts = inputs.reduce((most, layout) => Math.max(most, layout.ciphertexts), 1);
  const numbers = output.ciphertexts * giants.length * terms.length * inCiphertexts * babies.length;
  if (numbers * Math.max(1, total) > Number.MAX_SAFE_INTEGER) {
    throw new CipherloomError(
      'RESOURCE_LIMIT',
      `a linear map of ${total} products between ${inCiphertexts} and ${output.ciphertexts} ciphertexts is too large`,
      { phase: 'ckks', details: { products: total, groups: numbers } },
    );
  }
  const order = new Float64Array(total);
  const slot = new Int32Array(total);
  const weight = new Float64Array(total);
  let kept = 0;
  terms.forEach((list, operand) => {
    const weights = affine.maps[operand]?.weights ?? new Float64Array();
    for (let t = 0; t < list.outSlot.length; t++) {
      const w = weights[list.weight[t]!]!;
      if (w === 0) continue;
      const rotation = list.rotation[t]! + half;
      let number = list.outCiphertext[t]!;
      number = number * giants.length + giantIndex[rotation]!;
      number = number * terms.length + operand;
      number = number * inCiphertexts + list.inCiphertext[t]!;
      number = number * babies.length + babyIndex[rotation]!;
      order[kept] = number * total + kept;
      slot[kept] = (list.outSlot[t]! + giantOf[rotation]!) & (slots - 1);
      weight[kept] = w;
      kept++;
    }
  });
  const sorted = order.subarray(0, kept).sort();

  let count = 0;
  let last = -1;
  for (const key of sorted) {
    const number = Math.floor(key / total);
    if (number !== last) count++;
    last = number;
  }
  const groups = {
    count,
    outCiphertext: new Int32Array(count),
    giant: new Int32Array(count),
    operand: new Int32Array(count),
    inCiphertext: new Int32Array(count),
    baby: new Int32Array(count),
    start: new Int32Array(count + 1),
    slot: new Int32Array(kept),
    weight: new Float64Array(kept),
  };
  let group = -1;
  last = -1;
  sorted.forEach((key, at) => {
    let number = Math.floor(key / total);
    const term = key - number * total;
    groups.slot[at] = slot[term]!;
    groups.weight[at] = weight[term]!;
    if (number === last) return;
    last = number;
    group++;
    groups.start[group] = at;
    groups.baby[group] = babies[number % babies.length]!;
    number = Math.floor(number / babies.length);
    groups.inCiphertext[group] = number % inCiphertexts;
    number = Math.floor(number / inCiphertexts);
    groups.operand[group] = number % terms.length;
    number = Math.floor(number / terms.length);
    groups.giant[group] = giants[number % giants.length]!;
    groups.outCiphertext[group] = Math.floor(number / giants.length);
  });
  groups.start[count] = kept;
  return groups;
}

/** Whether a linear map between these layouts never rotates: every group is one number. */
export function neverRotates(inputs: readonly Layout[], output: Layout): boolean {
  return isBatchLayout(output) && inputs.every(isBatchLayout);
}
