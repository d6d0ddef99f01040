/** Constants per element as vectors of one ciphertext at a time, or as one number where they are. */
import { placementOf } from '../../layout/layout.ts';
import type { Layout } from '../../layout/layout.ts';
import { broadcastTo } from '../../ir/tensor.ts';
import type { Tensor } from '../../ir/tensor.ts';
import type { SlotConstant } from './engine.ts';

interface CiphertextPlaces {
  /** Places of ciphertext c are start[c] … start[c + 1] − 1. */
  readonly start: Int32Array<ArrayBuffer>;
  readonly element: Int32Array<ArrayBuffer>;
  readonly slot: Int32Array<ArrayBuffer>;
  readonly batchOffsets: Int32Array;
}

const known = new WeakMap<Layout, CiphertextPlaces>();

/** Images of a public value, flat: one for all images of an execution, or one for each. */
export type PublicImages = readonly Float64Array[];

/**
 * A public value for each ciphertext of a layout; unused slots hold zero.
 *
 * Vectors are built on demand into `scratch`, which has one value per slot; so the value need not be
 * known before.
 */
export function publicSlotConstants(
  layout: Layout,
  images: () => PublicImages,
  scratch: Float64Array<ArrayBuffer>,
): (ciphertext: number) => SlotConstant {
  const { start, element, slot, batchOffsets } = placesByCiphertext(layout);
  const { slots } = layout;
  return (ciphertext) => ({
    key: null,
    build() {
      const given = images();
      scratch.fill(0);
      batchOffsets.forEach((offset, n) => {
        const image = given.length === 1 ? given[0] : given[n];
        // The last execution may hold fewer images than there is room for.
        if (image === undefined) return;
        for (let k = start[ciphertext]!; k < start[ciphertext + 1]!; k++) {
          scratch[(slot[k]! + offset) % slots] = image[element[k]!]!;
        }
      });
      return scratch;
    },
  });
}

/** Places of the first image by ciphertext. ASSUME: a batch stays within its ciphertext. */
function placesByCiphertext(layout: Layout): CiphertextPlaces {
  const remembered = known.get(layout);
  if (remembered !== undefined) return remembered;
  const { elements, places, batchOffsets } = placementOf(layout);
  const { slots } = layout;
  const start = new Int32Array(layout.ciphertexts + 1);
  for (const place of places) start[Math.floor(place / slots) + 1]!++;
  for (let c = 0; c < layout.ciphertexts; c++) start[c + 1]! += start[c]!;
  const next = start.slice();
  const element = new Int32Array(places.length);
  const slot = new Int32Array(places.length);
  places.forEach((place, k) => {
    const at = next[Math.floor(place / slots)]!++;
    element[at] = elements[k]!;
    slot[at] = place % slots;
  });
  const grouped = { start, element, slot, batchOffsets };
  known.set(layout, grouped);
  return grouped;
}

/**
 * A constant (broadcast to the shape) for each ciphertext of a layout; unused slots hold `elsewhere`.
 *
 * Vectors are built on demand into `scratch`, which has one value per slot.
 */
export function slotConstants(
  layout: Layout,
  constant: Tensor,
  elsewhere: number,
  name: string,
  scratch: Float64Array<ArrayBuffer>,
): (ciphertext: number) => SlotConstant {
  const values = broadcastTo(constant, layout.shape).data;
  const { start, element, slot, batchOffsets } = placesByCiphertext(layout);
  const { slots } = layout;
  return (ciphertext) => {
    const from = start[ciphertext]!;
    const to = start[ciphertext + 1]!;
    const first = from < to ? values[element[from]!]! : elsewhere;
    const full = (to - from) * batchOffsets.length === slots;
    let uniform = full || first === elsewhere;
    for (let k = from; uniform && k < to; k++) uniform = values[element[k]!] === first;
    if (uniform) return first;
    return {
      key: `${name}/${ciphertext}`,
      build() {
        scratch.fill(elsewhere);
        for (const offset of batchOffsets) {
          for (let k = from; k < to; k++) {
            scratch[(slot[k]! + offset) % slots] = values[element[k]!]!;
          }
        }
        return scratch;
      },
    };
  };
}
