/**
 * A linear map between two layouts as rotations and diagonals.
 *
 * An entry (o, i) of the matrix asks that the slot of element i be multiplied and brought to the
 * slot of element o: a rotation by the difference of the slots and one factor in the plaintext (the
 * diagonal) of that rotation. Three freedoms keep the set of rotations small:
 *
 *  copies     an input with several copies lends the nearest one;
 *  fold       an output may be gathered in `count` partial sums, `step` slots apart, that
 *             log2(count) rotations add up afterwards (rotate-and-sum); where count × step is the
 *             whole ring, the sums also come out copied;
 *  giant step a rotation r is split into a baby step b in [−G/2, G/2) on the input and a giant step
 *             r − b on the sum, so that few distinct rotations serve many diagonals (BSGS).
 *
 * Every evaluator follows the same rule, so a plan needs to name only the layouts, the fold and the
 * giant step: of all (copy, partial sum) an entry takes the rotation of least magnitude, a positive
 * one before its negative, the copy of lowest place first.
 *
 * Source: Halevi, Shoup, "Algorithms in HElib", CRYPTO 2014, §4 (diagonals); "Faster Homomorphic
 * Linear Transformations in HElib", CRYPTO 2018, §4 (BSGS); Juvekar et al., "GAZELLE", USENIX
 * Security 2018, §4 (hybrid diagonals with rotate-and-sum).
 */
import { invariant } from '../../errors.ts';
import { elementCount, placementOf } from '../../layout/layout.ts';
import type { Layout } from '../../layout/layout.ts';
import { entriesOf, entryCount } from '../linear-map.ts';
import type { LinearMap } from '../linear-map.ts';

export interface Fold {
  /** Slots between partial sums. */
  readonly step: number;
  /** Number of partial sums: a power of two. */
  readonly count: number;
}

export interface LinearMethod {
  /** G of baby-step giant-step; 0 where every rotation is a baby step. */
  readonly giantStep: number;
  readonly fold: Fold | null;
}

/** One product per entry and output copy: partial[out][slot] += weight × rotated(x[in], rotation)[slot]. */
export interface DiagonalTerms {
  readonly outCiphertext: Int32Array<ArrayBuffer>;
  /** Slot of the partial sum (first image of the batch). */
  readonly outSlot: Int32Array<ArrayBuffer>;
  readonly inCiphertext: Int32Array<ArrayBuffer>;
  /** Rotation to the left, in (−slots/2, slots/2]. */
  readonly rotation: Int32Array<ArrayBuffer>;
  /** Index into the weights of the map. */
  readonly weight: Int32Array<ArrayBuffer>;
}

/** Bring a rotation into (−slots/2, slots/2]. */
export function centredRotation(rotation: number, slots: number): number {
  const r = ((rotation % slots) + slots) % slots;
  return r > slots / 2 ? r - slots : r;
}

/** Split a rotation into its baby and its giant step. */
export function splitRotation(
  rotation: number,
  giantStep: number,
  slots: number,
): { readonly baby: number; readonly giant: number } {
  if (giantStep === 0) return { baby: rotation, giant: 0 };
  const half = Math.floor(giantStep / 2);
  const baby = ((((rotation + half) % giantStep) + giantStep) % giantStep) - half;
  return { baby, giant: centredRotation(rotation - baby, slots) };
}

/** Whether the fold runs over the whole ring, so that its sums come out copied. */
export function foldsWholeRing(fold: Fold, slots: number): boolean {
  return fold.step * fold.count === slots;
}

/** The output layout without the copies that the fold makes by itself. */
export function layoutBeforeFold(layout: Layout, fold: Fold | null): Layout {
  if (fold === null || !foldsWholeRing(fold, layout.slots)) return layout;
  return {
    ...layout,
    digits: layout.digits.filter(
      (digit) =>
        !(
          digit.of === 'copy' &&
          digit.place === 'slot' &&
          digit.stride === fold.step &&
          digit.size === fold.count
        ),
    ),
  };
}

/** The most copies that an element has in a layout. ASSUME: the layout was checked. */
export function mostCopies(layout: Layout): number {
  const copies = new Int32Array(elementCount(layout.shape));
  for (const element of placementOf(layout).elements) copies[element] = (copies[element] ?? 0) + 1;
  return copies.reduce((most, count) => Math.max(most, count), 1);
}

/**
 * At most how many pairs of an input copy and an output copy `diagonalTerms` compares: what listing
 * the products of a map costs.
 */
export function copyChoices(
  map: LinearMap,
  input: Layout,
  output: Layout,
  fold: Fold | null,
): number {
  return entryCount(map) * mostCopies(input) * mostCopies(layoutBeforeFold(output, fold));
}

/** Places of each element of a layout, grouped by element, lowest place first. */
function placesByElement(layout: Layout): {
  readonly start: Int32Array<ArrayBuffer>;
  readonly places: Int32Array<ArrayBuffer>;
} {
  const { elements, places } = placementOf(layout);
  const count = elementCount(layout.shape);
  const start = new Int32Array(count + 1);
  for (const element of elements) start[element + 1] = (start[element + 1] ?? 0) + 1;
  for (let e = 0; e < count; e++) start[e + 1] = (start[e + 1] ?? 0) + (start[e] ?? 0);
  const next = start.slice();
  const grouped = new Int32Array(places.length);
  for (let k = 0; k < places.length; k++) {
    const element = elements[k] ?? 0;
    const at = next[element] ?? 0;
    next[element] = at + 1;
    grouped[at] = places[k] ?? 0;
  }
  for (let e = 0; e < count; e++) grouped.subarray(start[e], start[e + 1]).sort();
  return { start, places: grouped };
}

/**
 * List the products of a linear map between two layouts.
 *
 * Both layouts must place their batch alike. Cost: one term per entry and output copy.
 */
export function diagonalTerms(
  map: LinearMap,
  input: Layout,
  output: Layout,
  fold: Fold | null,
): DiagonalTerms {
  const { slots } = output;
  invariant(slots === input.slots, 'both layouts have the same number of slots');
  const entries = entriesOf(map);
  const from = placesByElement(input);
  const to = placesByElement(layoutBeforeFold(output, fold));
  let total = 0;
  for (const o of entries.out) total += (to.start[o + 1] ?? 0) - (to.start[o] ?? 0);
  const terms = {
    outCiphertext: new Int32Array(total),
    outSlot: new Int32Array(total),
    inCiphertext: new Int32Array(total),
    rotation: new Int32Array(total),
    weight: new Int32Array(total),
  };
  const mask = slots - 1;
  const slotBits = Math.log2(slots);
  const { rotationOf, partialOf, magnitudeOf } = rotationTables(fold, slots);
  let at = 0;
  for (let k = 0; k < entries.out.length; k++) {
    const o = entries.out[k] ?? 0;
    const i = entries.input[k] ?? 0;
    const firstCopy = from.start[i] ?? 0;
    const lastCopy = from.start[i + 1] ?? 0;
    const lastPlace = to.start[o + 1] ?? 0;
    for (let p = to.start[o] ?? 0; p < lastPlace; p++) {
      const outPlace = to.places[p] ?? 0;
      let inPlace = from.places[firstCopy] ?? 0;
      let difference = (inPlace - outPlace) & mask;
      for (let q = firstCopy + 1; q < lastCopy; q++) {
        const place = from.places[q] ?? 0;
        const other = (place - outPlace) & mask;
        if ((magnitudeOf[other] ?? 0) < (magnitudeOf[difference] ?? 0)) {
          difference = other;
          inPlace = place;
        }
      }
      terms.outCiphertext[at] = outPlace >> slotBits;
      terms.outSlot[at] = (outPlace + (partialOf[difference] ?? 0)) & mask;
      terms.inCiphertext[at] = inPlace >> slotBits;
      terms.rotation[at] = rotationOf[difference] ?? 0;
      terms.weight[at] = entries.weight[k] ?? 0;
      at++;
    }
  }
  return terms;
}

/**
 * For each difference of slots (input − output, modulo the ring): the rotation left once the nearest
 * partial sum is taken, the slots from the output to that partial sum, and the rank of the rotation
 * (its magnitude, a positive one before its negative).
 */
function rotationTables(
  fold: Fold | null,
  slots: number,
): {
  readonly rotationOf: Int32Array<ArrayBuffer>;
  readonly partialOf: Int32Array<ArrayBuffer>;
  readonly magnitudeOf: Int32Array<ArrayBuffer>;
} {
  const rotationOf = new Int32Array(slots);
  const partialOf = new Int32Array(slots);
  const magnitudeOf = new Int32Array(slots);
  const cyclic = fold !== null && foldsWholeRing(fold, slots);
  for (let difference = 0; difference < slots; difference++) {
    let rotation = difference > slots / 2 ? difference - slots : difference;
    if (fold !== null) {
      const nearest = Math.ceil(rotation / fold.step - 0.5);
      const partial = cyclic ? nearest : Math.min(fold.count - 1, Math.max(0, nearest));
      rotation -= partial * fold.step;
      partialOf[difference] = (((partial % fold.count) + fold.count) % fold.count) * fold.step;
    }
    rotationOf[difference] = rotation;
    magnitudeOf[difference] = rotation >= 0 ? 2 * rotation : -2 * rotation + 1;
  }
  return { rotationOf, partialOf, magnitudeOf };
}

/** Rotations of a fold, in order: step, 2 step, 4 step, … */
export function foldRotations(fold: Fold | null): number[] {
  if (fold === null) return [];
  const rotations: number[] = [];
  for (let n = 1; n < fold.count; n *= 2) rotations.push(fold.step * n);
  return rotations;
}
