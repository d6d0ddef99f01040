/** Where each element of a layout stands, and how far a walk over elements moves evenly there. */
import { elementCount, placementOf } from '../../layout/layout.ts';
import type { Layout } from '../../layout/layout.ts';

/** Places (ciphertext × slots + slot) by element. */
export interface ElementPlaces {
  /** Whether every element has one place: that of element e is then places[e]. */
  readonly single: boolean;
  /** Those of element e are places[start[e]] … places[start[e + 1] − 1], lowest first. */
  readonly start: Int32Array<ArrayBuffer>;
  readonly places: Int32Array<ArrayBuffer>;
  /** Tables of `reachAlong` by the step between elements. */
  readonly reach: Map<number, Int32Array<ArrayBuffer>>;
}

const known = new WeakMap<Layout, ElementPlaces>();

/** List the places of every element. Cost: two passes over them; remembered per layout object. */
export function elementPlaces(layout: Layout): ElementPlaces {
  const before = known.get(layout);
  if (before !== undefined) return before;
  const places = groupPlaces(layout);
  known.set(layout, places);
  return places;
}

function groupPlaces(layout: Layout): ElementPlaces {
  const { elements, places } = placementOf(layout);
  const count = elementCount(layout.shape);
  const start = new Int32Array(count + 1);
  for (const element of elements) start[element + 1]! += 1;
  for (let e = 0; e < count; e++) start[e + 1]! += start[e]!;
  const next = start.slice();
  const grouped = new Int32Array(places.length);
  for (let k = 0; k < places.length; k++) grouped[next[elements[k]!]!++] = places[k]!;
  const single = places.length === count && start.every((at, e) => at === e);
  if (!single) for (let e = 0; e < count; e++) grouped.subarray(start[e], start[e + 1]).sort();
  return { start, places: grouped, single, reach: new Map() };
}

/** Steps whose tables are kept: operators have a few, the segments of a hostile plan any number. */
const maxTables = 8;

/**
 * Per element, how many steps over `step` elements move its place by as many slots as the first one
 * does, in the same ciphertext. Null where that is not worth a table.
 *
 * ASSUME: every element has one place. Cost: one pass over the elements for each new step.
 */
export function reachAlong(
  { places, reach }: ElementPlaces,
  step: number,
  slots: number,
): Int32Array<ArrayBuffer> | null {
  const before = reach.get(step);
  if (before !== undefined) return before;
  if (step === 0 || reach.size >= maxTables) return null;
  const slotBits = Math.log2(slots);
  const table = new Int32Array(places.length);
  const { length } = places;
  // From the far end of the walks back to their beginnings.
  for (let n = 0; n < length; n++) {
    const e = step > 0 ? length - 1 - n : n;
    const place = places[e]!;
    const next = places[e + step];
    if (next === undefined || next >> slotBits !== place >> slotBits) continue;
    const further = places[e + 2 * step];
    table[e] = further !== undefined && further - next === next - place ? table[e + step]! + 1 : 1;
  }
  reach.set(step, table);
  return table;
}
