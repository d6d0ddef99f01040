/**
 * A layout says which slot of which ciphertext holds which element of a tensor.
 *
 * It is a list of digits. Every combination of digit values names one slot of one ciphertext (the
 * sum of value × stride over the digits placed there) and one element (per axis, origin + the sum
 * of value × step). So one notion covers images in row-major order, gaps that a strided convolution
 * leaves, channels side by side, copies, patches laid out by the client for a first convolution
 * (two digits that walk the same axis), one feature a ciphertext with a batch in the slots, and
 * tiles of these.
 *
 * Source: the digits generalise the tile tensors of Aharoni et al., "HElayers", PoPETs 2023, §3;
 * the overlapping ones are the convolution representation of Brutzkus et al., "LoLa", ICML 2019.
 */
import { CipherloomError, invariant } from '../errors.ts';

/** One digit of a layout. */
export interface Digit {
  /** What the digit counts: an axis of the tensor, the images of a batch, or copies. */
  readonly of: number | 'batch' | 'copy';
  /** How many values the digit has (≥ 1). */
  readonly size: number;
  /** Elements along the axis (images for a batch, 0 for copies) per unit of the digit. */
  readonly step: number;
  readonly place: 'slot' | 'ciphertext';
  /** Slots (or ciphertexts) per unit of the digit. */
  readonly stride: number;
}

/** What stands in the slots that hold no element. */
export type UnusedSlots =
  | { readonly kind: 'zero' }
  /** Any value of magnitude at most `bound`. */
  | { readonly kind: 'unknown'; readonly bound: number };

export interface Layout {
  /** Shape of one image, the leading batch axis of ONNX (1) included. */
  readonly shape: readonly number[];
  /** Slots of a ciphertext: half the ring degree. */
  readonly slots: number;
  readonly ciphertexts: number;
  /** Per axis, the index that digit values of zero name; negative where padding comes first. */
  readonly origin: readonly number[];
  readonly digits: readonly Digit[];
  readonly unused: UnusedSlots;
}

/** Largest number of (slot, ciphertext) pairs a layout may have: 2^31 − 1 fits typed arrays. */
const maxPlaces = 2 ** 31 - 1;

export const zeroUnused: UnusedSlots = { kind: 'zero' };

/** Number of elements of a shape. */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, extent) => product * extent, 1);
}

/** Row-major strides of a shape, in elements. */
export function rowMajorStrides(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length).fill(1);
  for (let axis = shape.length - 2; axis >= 0; axis--) {
    strides[axis] = (strides[axis + 1] ?? 1) * (shape[axis + 1] ?? 1);
  }
  return strides;
}

/** Images one packed value holds. */
export function batchSize(layout: Layout): number {
  return layout.digits.reduce(
    (size, digit) => (digit.of === 'batch' ? size + digit.step * (digit.size - 1) : size),
    1,
  );
}

/** Whether a batch fills every slot, so that a linear map needs one constant an element pair. */
export function isBatchLayout({ digits }: Pick<Layout, 'digits'>): boolean {
  return digits.every((digit) =>
    digit.place === 'slot' ? digit.of === 'batch' : digit.of !== 'batch',
  );
}

/** Where the elements of one image stand. */
export interface Placement {
  /**
   * Place of each copy of each element: `places[k]` belongs to element `elements[k]`, a place is
   * ciphertext × slots + slot.
   */
  readonly elements: Int32Array;
  readonly places: Int32Array;
  /** Offset of each image of the batch, to be added to a place. */
  readonly batchOffsets: Int32Array;
}

const placements = new WeakMap<Layout, Placement>();

/**
 * List the places of every element.
 *
 * Cost: the product of the digit sizes; remembered per layout object.
 */
export function placementOf(layout: Layout): Placement {
  const known = placements.get(layout);
  if (known !== undefined) return known;
  const placement = computePlacement(layout);
  placements.set(layout, placement);
  return placement;
}

function computePlacement(layout: Layout): Placement {
  const strides = rowMajorStrides(layout.shape);
  const ofElements = layout.digits.filter((digit) => digit.of !== 'batch' && digit.size > 1);
  const ofBatch = layout.digits.filter((digit) => digit.of === 'batch');
  const placeStride = (digit: Digit): number =>
    digit.place === 'slot' ? digit.stride : digit.stride * layout.slots;

  const combinations = ofElements.reduce((product, digit) => product * digit.size, 1);
  const elements = new Int32Array(combinations);
  const places = new Int32Array(combinations);
  const index = [...layout.origin];
  const counter = new Array<number>(ofElements.length).fill(0);
  let place = 0;
  let kept = 0;
  for (let n = 0; n < combinations; n++) {
    let element = 0;
    for (let axis = 0; axis < index.length; axis++) {
      const at = index[axis] ?? 0;
      if (at < 0 || at >= (layout.shape[axis] ?? 0)) {
        element = -1;
        break;
      }
      element += at * (strides[axis] ?? 0);
    }
    if (element >= 0) {
      elements[kept] = element;
      places[kept] = place;
      kept++;
    }
    // Count up, last digit fastest.
    for (let d = ofElements.length - 1; d >= 0; d--) {
      const digit = ofElements[d];
      if (digit === undefined) break;
      const value = (counter[d] ?? 0) + 1;
      const move = value < digit.size ? 1 : -(digit.size - 1);
      counter[d] = value < digit.size ? value : 0;
      place += move * placeStride(digit);
      if (typeof digit.of === 'number')
        index[digit.of] = (index[digit.of] ?? 0) + move * digit.step;
      if (value < digit.size) break;
    }
  }

  const batchOffsets = new Int32Array(batchSize(layout)).fill(-1);
  const walk = (d: number, image: number, offset: number): void => {
    const digit = ofBatch[d];
    if (digit === undefined) {
      batchOffsets[image] = offset;
      return;
    }
    for (let value = 0; value < digit.size; value++) {
      walk(d + 1, image + value * digit.step, offset + value * placeStride(digit));
    }
  };
  walk(0, 0, 0);
  return { elements: elements.slice(0, kept), places: places.slice(0, kept), batchOffsets };
}

/**
 * Check every rule of a layout: bounds, no slot used twice, every element placed.
 *
 * Throws PLAN_INVALID naming the rule that is broken. Cost: a byte and a step per slot; of a
 * batch layout, per ciphertext.
 */
export function checkLayout(layout: Layout, what = 'layout'): void {
  const fail = (reason: string, details: Record<string, unknown> = {}): never => {
    throw new CipherloomError('PLAN_INVALID', `${what}: ${reason}`, { phase: 'plan', details });
  };
  const { slots, ciphertexts, shape, origin, digits } = layout;
  if (!Number.isInteger(slots) || slots < 1 || (slots & (slots - 1)) !== 0 || slots > 65536) {
    fail('slots must be a power of two up to 65536', { slots });
  }
  if (!Number.isInteger(ciphertexts) || ciphertexts < 1 || ciphertexts * slots > maxPlaces) {
    fail('the number of ciphertexts is out of bounds', { ciphertexts, slots });
  }
  if (origin.length !== shape.length) fail('origin and shape differ in rank');
  if (shape.length > 16 || digits.length > 64) fail('too many axes or digits');
  const integers = [...shape, ...origin, ...digits.flatMap((d) => [d.size, d.step, d.stride])];
  if (!integers.every((n) => Number.isSafeInteger(n) && Math.abs(n) <= maxPlaces)) {
    fail('every extent, step and stride must be an integer below 2^31');
  }
  if (!shape.every((extent) => extent >= 1) || elementCount(shape) > maxPlaces) {
    fail('the shape is out of bounds', { shape });
  }
  // Before anything is allocated for them: what digits cannot name or place is refused by numbers.
  let combinations = 1;
  let images = 1;
  let named = 1;
  const reach = { slot: 0, ciphertext: 0 };
  for (const digit of digits) {
    if (digit.size < 1 || digit.stride < 0 || digit.step < 0) fail('negative digit', { digit });
    if (typeof digit.of === 'number' && digit.of >= shape.length)
      fail('digit of no axis', { digit });
    if (typeof digit.of === 'number' && digit.of < 0) fail('digit of no axis', { digit });
    combinations *= digit.size;
    if (digit.of === 'batch') images *= digit.size;
    if (digit.place === 'ciphertext') named *= digit.size;
    if (combinations > maxPlaces) fail('the digits have too many combinations');
    reach[digit.place] += (digit.size - 1) * digit.stride;
  }
  if (reach.slot >= slots) fail('digits reach past the last slot', { reach: reach.slot, slots });
  if (reach.ciphertext >= ciphertexts) {
    fail('digits reach past the last ciphertext', { reach: reach.ciphertext, ciphertexts });
  }
  // Every operation makes each of them: a short file must not ask for a million empty ones.
  if (ciphertexts > named) {
    fail('there are ciphertexts that no digit names', { ciphertexts, named });
  }
  if (
    layout.unused.kind === 'unknown' &&
    !(layout.unused.bound >= 0 && layout.unused.bound < Infinity)
  ) {
    fail('the bound of the unused slots must be a finite number');
  }
  if (elementCount(shape) > combinations / images) fail('an element has no slot', { shape });
  if (batchSize(layout) > images) fail('batch digits leave images out', { images });
  const placement = placementOf(layout);
  if (placement.batchOffsets.includes(-1)) fail('batch digits leave images out');
  // With whole ciphertexts for elements and slots for images, a place is shared only where the
  // ciphertext and the slot are: each is looked at once, not every pair of them.
  const apart = isBatchLayout(layout);
  const used = new Uint8Array(slots * (apart ? 1 : ciphertexts));
  const seen = new Uint8Array(elementCount(shape));
  const take = (list: Uint8Array, at: number, slot: number): void => {
    if (list[at] === 1) fail('two elements share a slot', { slot });
    list[at] = 1;
  };
  const usedCiphertexts = new Uint8Array(ciphertexts);
  if (apart) for (const offset of placement.batchOffsets) take(used, offset, offset);
  for (let k = 0; k < placement.places.length; k++) {
    seen[placement.elements[k] ?? 0] = 1;
    const place = placement.places[k] ?? 0;
    if (apart) take(usedCiphertexts, place / slots, 0);
    else {
      for (const offset of placement.batchOffsets) {
        take(used, place + offset, (place + offset) % slots);
      }
    }
  }
  if (seen.includes(0)) fail('an element has no slot', { element: seen.indexOf(0) });
}

/**
 * Lay images out in slots.
 *
 * Shapes  images [≤ batch][elements] -> [ciphertexts][slots]; a missing image is all zero.
 * `fillUnused` gives the value of each slot that holds no element (translation validation fills
 * them with values of their range); absent, they are zero.
 */
export function pack(
  layout: Layout,
  images: readonly ArrayLike<number>[],
  fillUnused?: () => number,
): Float64Array<ArrayBuffer>[] {
  const { elements, places, batchOffsets } = placementOf(layout);
  invariant(images.length <= batchOffsets.length, 'more images than the layout holds');
  const { slots } = layout;
  const vectors = Array.from({ length: layout.ciphertexts }, () => {
    const vector = new Float64Array(slots);
    if (fillUnused !== undefined) for (let i = 0; i < slots; i++) vector[i] = fillUnused();
    return vector;
  });
  for (let b = 0; b < batchOffsets.length; b++) {
    const image = images[b];
    const offset = batchOffsets[b] ?? 0;
    for (let k = 0; k < places.length; k++) {
      const place = (places[k] ?? 0) + offset;
      const vector = vectors[Math.floor(place / slots)];
      if (vector !== undefined) vector[place % slots] = image?.[elements[k] ?? 0] ?? 0;
    }
  }
  return vectors;
}

/** Read images back from slots; of several copies of an element the first counts. */
export function unpack(
  layout: Layout,
  vectors: readonly ArrayLike<number>[],
  images = batchSize(layout),
): Float64Array<ArrayBuffer>[] {
  const { elements, places, batchOffsets } = placementOf(layout);
  const { slots } = layout;
  const count = elementCount(layout.shape);
  return Array.from({ length: images }, (_, b) => {
    const image = new Float64Array(count);
    const offset = batchOffsets[b] ?? 0;
    for (let k = places.length - 1; k >= 0; k--) {
      const place = (places[k] ?? 0) + offset;
      image[elements[k] ?? 0] = vectors[Math.floor(place / slots)]?.[place % slots] ?? 0;
    }
    return image;
  });
}

/** Per ciphertext, 1 where a slot holds an element and 0 where it is unused. */
export function usedSlots(layout: Layout): Uint8Array<ArrayBuffer>[] {
  const { places, batchOffsets } = placementOf(layout);
  const used = Array.from({ length: layout.ciphertexts }, () => new Uint8Array(layout.slots));
  for (const offset of batchOffsets) {
    for (const base of places) {
      const place = base + offset;
      const vector = used[Math.floor(place / layout.slots)];
      if (vector !== undefined) vector[place % layout.slots] = 1;
    }
  }
  return used;
}

/** Whether a ciphertext of a layout has an element in every slot: none is left to show that values wrapped. */
export function fillsCiphertext(layout: Layout): boolean {
  return usedSlots(layout).some((used) => used.every((own) => own === 1));
}

/** Whether two layouts put every element in the same places (the state of unused slots aside). */
export function samePlaces(a: Layout, b: Layout): boolean {
  const key = (layout: Layout): string =>
    JSON.stringify([
      layout.shape,
      layout.slots,
      layout.ciphertexts,
      layout.origin,
      layout.digits.flatMap(({ of, size, step, place, stride }) =>
        size > 1 ? [[of, size, step, place, stride]] : [],
      ),
    ]);
  return key(a) === key(b);
}
