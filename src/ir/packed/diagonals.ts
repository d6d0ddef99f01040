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
 *             whole ring, the sums also come out copied; elsewhere the slots between the outputs are
 *             left with sums of parts that belong to several;
 *  giant step a rotation r is split into a baby step b in [−G/2, G/2) on the input and a giant step
 *             r − b on the sum, so that few distinct rotations serve many diagonals (BSGS).
 *
 * Every evaluator follows the same rule, so a plan needs to name only the layouts, the fold and the
 * giant step: an entry takes the partial sum that leaves a rotation within half a step of a multiple of
 * count × step, and of all copies the one that leaves the least magnitude, a positive rotation before its
 * negative, the copy of lowest place first. So the rotations are few whether partial sums go round the
 * ring or lie between two outputs.
 *
 * Source: Halevi, Shoup, "Algorithms in HElib", CRYPTO 2014, §4 (diagonals); "Faster Homomorphic
 * Linear Transformations in HElib", CRYPTO 2018, §4 (BSGS); Juvekar et al., "GAZELLE", USENIX
 * Security 2018, §4 (hybrid diagonals with rotate-and-sum).
 */
import { elementCount, placementOf } from '../../layout/layout.ts';
import type { Layout } from '../../layout/layout.ts';
import { entryCount } from '../linear-map.ts';
import type { LinearMap, SegmentLoop } from '../linear-map.ts';
import { forEachRun } from '../map-runs.ts';
import { elementPlaces, reachAlong } from './element-places.ts';
import type { ElementPlaces } from './element-places.ts';

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

/**
 * Called with products that follow each other on one diagonal: for n < length,
 * partial[out][slot + n × slotStep] += weights[weight + n × weightStep] × rotated(x[in], rotation) there.
 *
 * Slots count modulo the ring, for the first image of the batch; the rotation is to the left, in
 * (−slots/2, slots/2].
 */
export type VisitDiagonal = (
  outCiphertext: number,
  slot: number,
  inCiphertext: number,
  rotation: number,
  weight: number,
  length: number,
  slotStep: number,
  weightStep: number,
) => void;

/** The most products of one run. */
export const maxRunLength = 2 ** 16;

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
 * At most how many pairs of an input copy and an output copy `forEachDiagonal` compares, where either
 * has several: what listing the products of such a map costs.
 */
export function copyChoices(
  map: LinearMap,
  input: Layout,
  output: Layout,
  fold: Fold | null,
): number {
  return entryCount(map) * mostCopies(input) * mostCopies(layoutBeforeFold(output, fold));
}

/**
 * Visit the products of a linear map between two layouts: one for each entry and output copy.
 *
 * Both layouts must place their batch alike. The products of one output come in the order of its
 * entries. Cost: one call a run, and one a product where a layout has copies.
 */
export function forEachDiagonal(
  map: LinearMap,
  input: Layout,
  output: Layout,
  fold: Fold | null,
  visit: VisitDiagonal,
): void {
  const { slots } = output;
  const from = elementPlaces(input);
  const to = elementPlaces(layoutBeforeFold(output, fold));
  const tables = rotationTables(fold, slots);
  if (!from.single || !to.single) {
    visitCopies(map, from, to, tables, slots, visit);
    return;
  }
  const mask = slots - 1;
  const slotBits = Math.log2(slots);
  const { rotationOf, partialOf } = tables;
  let last: SegmentLoop | null = null;
  let reachOut: Int32Array | null = null;
  let reachIn: Int32Array | null = null;
  forEachRun(map.segments, 'moving', (out, i, weight, run) => {
    if (run !== last) {
      last = run;
      const moves = run.count > 1 && run.out !== 0 && run.input !== 0;
      reachOut = moves ? reachAlong(to, run.out, slots) : null;
      reachIn = moves ? reachAlong(from, run.input, slots) : null;
    }
    for (let n = 0; n < run.count;) {
      const outElement = out + n * run.out;
      const inElement = i + n * run.input;
      const outPlace = to.places[outElement]!;
      const inPlace = from.places[inElement]!;
      let length = 1;
      let slotStep = 0;
      const rest = run.count - n - 1;
      if (rest > 0 && reachOut !== null && reachIn !== null) {
        // Where both places move by the same number of slots, their difference stays.
        const reach = Math.min(reachOut[outElement]!, reachIn[inElement]!, rest, maxRunLength - 1);
        const step = to.places[outElement + run.out]! - outPlace;
        if (reach > 0 && from.places[inElement + run.input]! - inPlace === step) {
          length += reach;
          slotStep = step;
        }
      }
      const difference = (inPlace - outPlace) & mask;
      visit(
        outPlace >> slotBits,
        (outPlace + partialOf[difference]!) & mask,
        inPlace >> slotBits,
        rotationOf[difference]!,
        weight + n * run.weight,
        length,
        slotStep,
        run.weight,
      );
      n += length;
    }
  });
}

/** Of several copies of an input, each output takes the one of the least rotation. */
function visitCopies(
  map: LinearMap,
  from: ElementPlaces,
  to: ElementPlaces,
  { rotationOf, partialOf, magnitudeOf }: RotationTables,
  slots: number,
  visit: VisitDiagonal,
): void {
  const mask = slots - 1;
  const slotBits = Math.log2(slots);
  forEachRun(map.segments, 'moving', (out, input, weight, run) => {
    for (let n = 0; n < run.count; n++) {
      const o = out + n * run.out;
      const i = input + n * run.input;
      const firstCopy = from.start[i]!;
      const lastCopy = from.start[i + 1]!;
      const lastPlace = to.start[o + 1]!;
      for (let p = to.start[o]!; p < lastPlace; p++) {
        const outPlace = to.places[p]!;
        let inPlace = from.places[firstCopy]!;
        let difference = (inPlace - outPlace) & mask;
        for (let q = firstCopy + 1; q < lastCopy; q++) {
          const place = from.places[q]!;
          const other = (place - outPlace) & mask;
          if (magnitudeOf[other]! < magnitudeOf[difference]!) {
            difference = other;
            inPlace = place;
          }
        }
        visit(
          outPlace >> slotBits,
          (outPlace + partialOf[difference]!) & mask,
          inPlace >> slotBits,
          rotationOf[difference]!,
          weight + n * run.weight,
          1,
          0,
          0,
        );
      }
    }
  });
}

interface RotationTables {
  readonly rotationOf: Int32Array<ArrayBuffer>;
  readonly partialOf: Int32Array<ArrayBuffer>;
  readonly magnitudeOf: Int32Array<ArrayBuffer>;
}

/**
 * For each difference of slots (input − output, modulo the ring): the rotation left once its partial sum
 * is taken, the slots from the output to that partial sum, and the rank of the rotation (its magnitude,
 * a positive one before its negative).
 */
function rotationTables(fold: Fold | null, slots: number): RotationTables {
  const key = fold === null ? `${slots}` : `${slots} ${fold.step} ${fold.count}`;
  const tables = recentTables.get(key) ?? computeRotationTables(fold, slots);
  recentTables.delete(key);
  recentTables.set(key, tables);
  if (recentTables.size > mostTables) recentTables.delete(recentTables.keys().next().value!);
  return tables;
}

/** The tables asked for lately, the last one last: a search asks for those of a few folds again and again. */
const recentTables = new Map<string, RotationTables>();

/** Kept at once: 6 MiB of tables at 32,768 slots. */
const mostTables = 16;

function computeRotationTables(fold: Fold | null, slots: number): RotationTables {
  const rotationOf = new Int32Array(slots);
  const partialOf = new Int32Array(slots);
  const magnitudeOf = new Int32Array(slots);
  for (let difference = 0; difference < slots; difference++) {
    let rotation = difference > slots / 2 ? difference - slots : difference;
    if (fold !== null) {
      const nearest = Math.ceil(rotation / fold.step - 0.5);
      const partial = ((nearest % fold.count) + fold.count) % fold.count;
      partialOf[difference] = partial * fold.step;
      rotation = centredRotation(rotation - partial * fold.step, slots);
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
