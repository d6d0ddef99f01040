/** Layouts worth considering for a value. */
import { CipherloomError } from '../../errors.ts';
import { checkLayout, elementCount, zeroUnused } from '../../layout/layout.ts';
import type { Digit, Layout } from '../../layout/layout.ts';
import { entryCount } from '../../ir/linear-map.ts';
import type { LinearMap } from '../../ir/linear-map.ts';
import { sameShape } from '../../ir/types.ts';
import type { Fold } from '../../ir/packed/diagonals.ts';
import { channelsSecond, windowOf } from './find-window.ts';
import type { AxisOrder, Window } from './find-window.ts';

export interface Candidate {
  /** In words, for explanations. */
  readonly name: string;
  readonly layout: Layout;
  /** Partial sums of the linear map that makes the value. */
  readonly fold: Fold | null;
}

const nextPowerOfTwo = (n: number): number => 2 ** Math.ceil(Math.log2(Math.max(1, n)));

const slotDigit = (
  of: number | 'copy' | 'batch',
  size: number,
  step: number,
  stride: number,
): Digit => ({
  of,
  size,
  step,
  place: 'slot',
  stride,
});

function layoutOf(
  shape: readonly number[],
  slots: number,
  digits: readonly Digit[],
  origin: readonly number[] = shape.map(() => 0),
): Layout {
  const kept = digits.filter((digit) => digit.size > 1);
  const ciphertexts = kept.reduce(
    (count, digit) =>
      digit.place === 'ciphertext' ? count + (digit.size - 1) * digit.stride : count,
    1,
  );
  return { shape, slots, ciphertexts, origin, digits: kept, unused: zeroUnused };
}

/** Whether every rule of layouts holds. Cost: one bit per slot. */
export function isValid(layout: Layout): boolean {
  try {
    checkLayout(layout);
    return true;
  } catch (error) {
    if (error instanceof CipherloomError) return false;
    throw error;
  }
}

/**
 * Row-major order with given slot strides per axis; what does not fit continues in further
 * ciphertexts, split along the outermost axes.
 */
export function stridedLayout(
  shape: readonly number[],
  strides: readonly number[],
  slots: number,
): Layout {
  const digits: Digit[] = [];
  let ciphertextStride = 1;
  // From the innermost axis out: as long as an axis fits it stays in slots.
  let full = false;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const extent = shape[axis] ?? 1;
    const stride = strides[axis] ?? 1;
    if (extent === 1) continue;
    const fitting = full ? 1 : Math.max(1, Math.min(extent, Math.floor((slots - 1) / stride) + 1));
    // The inner axes occupy the gap up to this stride, so the last step must leave room for them.
    const inSlots = full ? 1 : Math.max(1, Math.min(fitting, Math.floor(slots / stride)));
    if (inSlots > 1) digits.unshift(slotDigit(axis, inSlots, 1, stride));
    if (inSlots < extent) {
      full = true;
      const rest = Math.ceil(extent / inSlots);
      digits.unshift({
        of: axis,
        size: rest,
        step: inSlots,
        place: 'ciphertext',
        stride: ciphertextStride,
      });
      ciphertextStride *= rest;
    }
  }
  return layoutOf(shape, slots, digits);
}

/** Slot strides in row-major order; with `padded`, the two innermost axes together fill a power of two. */
function rowStrides(shape: readonly number[], padded: boolean): number[] {
  const strides = new Array<number>(shape.length).fill(1);
  let stride = 1;
  let inner = 0;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= shape[axis] ?? 1;
    if ((shape[axis] ?? 1) > 1) inner++;
    if (padded && inner === 2) stride = nextPowerOfTwo(stride);
  }
  return strides;
}

/** Slot strides in row-major order, every one a power of two. */
function pitchedStrides(shape: readonly number[]): number[] {
  return shape.map((_, axis) =>
    shape.slice(axis + 1).reduce((stride, extent) => stride * nextPowerOfTwo(extent), 1),
  );
}

/** One feature a ciphertext, the images of a batch in the slots (CryptoNets). */
export function batchLayout(shape: readonly number[], slots: number, batch: number): Layout {
  const digits: Digit[] = [slotDigit('batch', batch, 1, 1)];
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const extent = shape[axis] ?? 1;
    digits.push({ of: axis, size: extent, step: 1, place: 'ciphertext', stride });
    stride *= extent;
  }
  return layoutOf(shape, slots, digits);
}

/** The layout with further copies to fill the ring, `step` slots apart. */
function withCopies(layout: Layout, step: number): Layout {
  const count = layout.slots / step;
  return count <= 1
    ? layout
    : { ...layout, digits: [slotDigit('copy', count, 0, step), ...layout.digits] };
}

/** The layout with `factor` times as many slots between its elements. */
function spreadOut(layout: Layout, factor: number): Layout {
  const digits = layout.digits.map((digit) => ({ ...digit, stride: digit.stride * factor }));
  return { ...layout, digits };
}

/**
 * Slots from one copy of an input of `reach` slots to the next, so that sums over parts `step` slots
 * apart read as many parts of it as there are copies: each copy begins at another place between two
 * parts, all of them evenly apart. Null where two copies do not fit.
 */
function staggeredCopies(
  reach: number,
  step: number,
  slots: number,
): { readonly copies: number; readonly stride: number } | null {
  for (let copies = Math.min(step, nextPowerOfTwo(slots / reach)); copies >= 2; copies /= 2) {
    const apart = step / copies;
    // The least odd multiple of it that a copy fits.
    const stride = (2 * Math.ceil((reach / apart - 1) / 2) + 1) * apart;
    if ((copies - 1) * stride + reach <= slots) return { copies, stride };
  }
  return null;
}

/** Slots that a one-ciphertext layout reaches. */
function slotReach(layout: Layout): number {
  return layout.digits.reduce(
    (reach, digit) => (digit.place === 'slot' ? reach + (digit.size - 1) * digit.stride : reach),
    1,
  );
}

function orderedShape(shape: readonly number[], order: AxisOrder): number[] {
  return order.map((axis) => shape[axis] ?? 1);
}

/** A layout of a tensor from one of the same elements with its axes in the order. */
function renamed(layout: Layout, order: AxisOrder): Layout {
  if (order.every((axis, k) => axis === k)) return layout;
  return {
    ...layout,
    shape: layout.shape.map((_, axis) => layout.shape[order.indexOf(axis)] ?? 1),
    origin: layout.origin.map((_, axis) => layout.origin[order.indexOf(axis)] ?? 0),
    digits: layout.digits.map((digit) =>
      typeof digit.of === 'number' ? { ...digit, of: order[digit.of] ?? digit.of } : digit,
    ),
  };
}

/**
 * Patches laid out by the client for a first convolution (LoLa): the window in the ciphertext index
 * or `foldStep` slots apart, the output positions in slots, copied for each output channel.
 */
function patchLayout(
  map: LinearMap,
  window: Window,
  slots: number,
  foldStep: number | null,
  padded: boolean,
): Layout {
  const inShape = orderedShape(map.inShape, window.inOrder);
  const [, channelsIn = 1] = inShape;
  const [, channelsOut = 1, ...positions] = orderedShape(map.outShape, window.outOrder);
  const digits: Digit[] = [];
  let windowStride = 1;
  const place = foldStep === null ? 'ciphertext' : 'slot';
  const unit = foldStep ?? 1;
  for (let axis = window.extent.length - 1; axis >= 0; axis--) {
    const size = window.extent[axis] ?? 1;
    digits.push({ of: axis + 2, size, step: 1, place, stride: windowStride * unit });
    windowStride *= size;
  }
  digits.push({ of: 1, size: channelsIn, step: 1, place, stride: windowStride * unit });
  let stride = 1;
  for (let axis = positions.length - 1; axis >= 0; axis--) {
    digits.push(slotDigit(axis + 2, positions[axis] ?? 1, window.stride[axis] ?? 1, stride));
    stride *= positions[axis] ?? 1;
  }
  digits.push(slotDigit('copy', channelsOut, 0, padded ? nextPowerOfTwo(stride) : stride));
  return layoutOf(inShape, slots, digits, [0, 0, ...window.first]);
}

/**
 * Planes of positions a stride apart, as many planes to a ciphertext as fit: space to depth, done by
 * the client. With a plane for every window position a strided first convolution moves whole planes
 * only; with one for every `phase` of the stride nothing is sent twice.
 */
function planesLayout(
  map: LinearMap,
  window: Window,
  slots: number,
  planes: 'window' | 'phase',
  padded: boolean,
): Layout | null {
  const inShape = orderedShape(map.inShape, window.inOrder);
  const [, channelsIn = 1, ...image] = inShape;
  const [, , ...outputs] = orderedShape(map.outShape, window.outOrder);
  const phases = window.extent.map((size, k) => Math.min(size, window.stride[k] ?? 1));
  const extent = planes === 'window' ? window.extent : phases;
  const positions = image.map((size, k) =>
    planes === 'window' ? (outputs[k] ?? 1) : Math.ceil(size / (window.stride[k] ?? 1)),
  );
  const digits: Digit[] = [];
  let stride = 1;
  for (let axis = positions.length - 1; axis >= 0; axis--) {
    digits.push(slotDigit(axis + 2, positions[axis] ?? 1, window.stride[axis] ?? 1, stride));
    stride *= positions[axis] ?? 1;
  }
  if (padded) stride = nextPowerOfTwo(stride);
  if (stride > slots) return null;
  let room = Math.floor(slots / stride);
  let ciphertextStride = 1;
  const windowDigits = extent.map((size, k) => ({ of: k + 2, size })).reverse();
  for (const { of, size } of [...windowDigits, { of: 1, size: channelsIn }]) {
    const inSlots = Math.min(size, room);
    digits.push(slotDigit(of, inSlots, 1, stride));
    stride *= inSlots;
    const rest = Math.ceil(size / inSlots);
    digits.push({ of, size: rest, step: inSlots, place: 'ciphertext', stride: ciphertextStride });
    ciphertextStride *= rest;
    // A digit that continues in further ciphertexts leaves the rest of the slots empty.
    room = rest > 1 ? 1 : Math.floor(room / inSlots);
  }
  const first = planes === 'window' ? window.first : image.map(() => 0);
  return layoutOf(inShape, slots, digits, [0, 0, ...first]);
}

/** Share of the window below which patches would carry mostly what no output reads. */
const leastFill = 1 / 8;

/**
 * Whether outputs read most of the window: those of a filter on an image [1, H, W] do not, whose rows
 * look like channels.
 */
function fillsWindow(map: LinearMap, window: Window): boolean {
  const [, channels = 1] = orderedShape(map.inShape, window.inOrder);
  const whole = elementCount(map.outShape) * elementCount(window.extent) * channels;
  return entryCount(map) >= leastFill * whole;
}

/** Candidate layouts of an input, from the linear map that reads it first (null if none does). */
export function inputCandidates(
  shape: readonly number[],
  slots: number,
  first: LinearMap | null,
): Candidate[] {
  const found = first === null ? null : windowOf(first);
  const window = first !== null && found !== null && fillsWindow(first, found) ? found : null;
  const order = window?.inOrder ?? channelsSecond(shape.length);
  const ordered = orderedShape(shape, order);
  const plain = stridedLayout(ordered, rowStrides(ordered, false), slots);
  const candidates: Candidate[] = [{ name: 'row-major image', layout: plain, fold: null }];
  if (plain.ciphertexts > 1) {
    // Rows in every ciphertext alike, so that strides halve them alike.
    const layout = stridedLayout(ordered, pitchedStrides(ordered), slots);
    candidates.push({ name: 'row-major image, rows padded', layout, fold: null });
  } else {
    const step = nextPowerOfTwo(slotReach(plain));
    candidates.push({
      name: 'row-major image, copied',
      layout: withCopies(plain, step),
      fold: null,
    });
    const parts = first === null ? slots : nextPowerOfTwo(elementCount(first.outShape));
    const staggered = parts < slots ? staggeredCopies(slotReach(plain), parts, slots) : null;
    if (staggered !== null) {
      const { copies, stride } = staggered;
      const digits = [slotDigit('copy', copies, 0, stride), ...plain.digits];
      candidates.push({
        name: 'row-major image, copies staggered',
        layout: { ...plain, digits },
        fold: null,
      });
    }
  }
  if (first !== null && window !== null) {
    const windowSize = elementCount(window.extent) * (ordered[1] ?? 1);
    const [, channelsOut = 1, ...positions] = orderedShape(first.outShape, window.outOrder);
    for (const padded of [false, true]) {
      const plane = elementCount(positions);
      const outputSize = channelsOut * (padded ? nextPowerOfTwo(plane) : plane);
      const suffix = padded ? ', planes padded' : '';
      if (outputSize <= slots) {
        const layout = patchLayout(first, window, slots, null, padded);
        candidates.push({
          name: `patches, a ciphertext per window position${suffix}`,
          layout,
          fold: null,
        });
      }
      for (const planes of ['window', 'phase'] as const) {
        const layout = planesLayout(first, window, slots, planes, padded);
        if (layout === null) continue;
        const of = planes === 'window' ? 'window positions' : 'phases of the stride';
        candidates.push({ name: `planes of ${of}${suffix}`, layout, fold: null });
      }
      const step = slots / nextPowerOfTwo(windowSize);
      if (step >= outputSize) {
        const layout = patchLayout(first, window, slots, step, padded);
        candidates.push({
          name: `patches, window positions side by side${suffix}`,
          layout,
          fold: null,
        });
      }
    }
  }
  // A window that skips elements leaves them without a slot.
  return chosen(candidates, order);
}

/**
 * Candidate layouts of the result of a linear map, the likeliest first, the plain row-major one last
 * but for its sums of parts; `valid` may remember what it was asked before.
 */
export function outputCandidates(
  shape: readonly number[],
  slots: number,
  maps: readonly LinearMap[],
  inputs: readonly Layout[],
  valid: (layout: Layout) => boolean = isValid,
): Candidate[] {
  const windows = maps.map(windowOf);
  const order = windows.find((window) => window !== null)?.outOrder ?? channelsSecond(shape.length);
  const ordered = orderedShape(shape, order);
  const bases: { readonly name: string; readonly layout: Layout }[] = [];
  maps.forEach((map, k) => {
    const input = inputs[k];
    const window = windows[k] ?? null;
    if (input === undefined || window === null || !sameShape(window.outOrder, order)) return;
    for (const whole of [false, true]) {
      const layout = gridLayout(map, window, input, whole);
      if (layout === null) continue;
      const gaps = whole ? 'all gaps' : 'the gaps';
      bases.push({ name: `grid of the input kept, channels in ${gaps}`, layout });
    }
  });
  for (const padded of [true, false]) {
    const layout = stridedLayout(ordered, rowStrides(ordered, padded), slots);
    bases.push({ name: padded ? 'row-major, planes padded' : 'row-major', layout });
  }
  const candidates: Candidate[] = [];
  for (const { name, layout } of bases) {
    candidates.push({ name, layout, fold: null });
    if (layout.ciphertexts > 1) continue;
    // Rotate-and-sum over the whole ring: fewer diagonals, and the result comes out copied. The
    // most parts that fit are always best: each halves the diagonals for one more rotation.
    const step = nextPowerOfTwo(slotReach(layout));
    if (step >= slots) continue;
    const count = slots / step;
    candidates.push({
      name: `${name}, summed over ${count} parts`,
      layout: withCopies(layout, step),
      fold: { step, count },
    });
    // Parts between the outputs read other parts of each copy of the input; no copies come out.
    candidates.push({
      name: `${name}, spread, summed over ${count} parts in between`,
      layout: spreadOut(layout, count),
      fold: { step: 1, count },
    });
  }
  return chosen(candidates, order, valid);
}

/** The candidates that are layouts, once each, for the axes as the tensor has them. */
function chosen(
  candidates: readonly Candidate[],
  order: AxisOrder,
  valid: (layout: Layout) => boolean = isValid,
): Candidate[] {
  const kept = candidates.filter(({ layout }) => valid(layout));
  return distinct(kept).map((each) => ({ ...each, layout: renamed(each.layout, order) }));
}

/**
 * Output positions stay where the stride left them; output channels fill the gaps, then follow the
 * input's: the gaps of this stride, or with `whole` those that earlier strides left too.
 */
function gridLayout(map: LinearMap, window: Window, input: Layout, whole: boolean): Layout | null {
  const inShape = orderedShape(map.inShape, window.inOrder);
  const outShape = orderedShape(map.outShape, window.outOrder);
  const spatial = inShape.slice(2).map((_, k) => gridAxis(input, window.inOrder[k + 2] ?? -1));
  const inChannels = gridAxis(input, window.inOrder[1] ?? -1);
  const digits: Digit[] = [];
  let gapSize = 1;
  // Slots from one row of positions to the next where nothing was skipped.
  let pitch = 1;
  let plane = 1;
  let ciphertextStride = 1;
  const channelsOut = outShape[1] ?? 1;
  for (let k = spatial.length - 1; k >= 0; k--) {
    const axis = spatial[k] ?? null;
    const jump = window.stride[k] ?? 1;
    if (axis === null || (axis.ciphertexts > 1 && axis.inSlots % jump !== 0)) return null;
    const extent = outShape[k + 2] ?? 1;
    const stride = axis.stride * jump;
    const inSlots = axis.ciphertexts > 1 ? axis.inSlots / jump : extent;
    digits.push(slotDigit(k + 2, inSlots, 1, stride));
    if (axis.ciphertexts > 1) {
      const size = Math.ceil(extent / inSlots);
      const place = 'ciphertext';
      digits.push({ of: k + 2, size, step: inSlots, place, stride: ciphertextStride });
      ciphertextStride *= size;
    }
    const gap = whole ? evenGap(stride, pitch) : jump;
    const channelsHere = Math.min(gap, Math.ceil(channelsOut / gapSize));
    digits.push(slotDigit(1, channelsHere, gapSize, stride / gap));
    gapSize *= channelsHere;
    pitch = Math.max(pitch, inSlots * stride);
    plane = Math.max(plane, axis.inSlots * axis.stride);
  }
  const channel =
    inChannels !== null && inChannels.ciphertexts === 1 ? inChannels.stride : nextPowerOfTwo(plane);
  const blocks = Math.ceil(channelsOut / gapSize);
  const blocksInSlots = Math.max(1, Math.min(blocks, Math.floor(input.slots / channel)));
  digits.push(slotDigit(1, blocksInSlots, gapSize, channel));
  if (blocksInSlots < blocks) {
    digits.push({
      of: 1,
      size: Math.ceil(blocks / blocksInSlots),
      step: gapSize * blocksInSlots,
      place: 'ciphertext',
      stride: ciphertextStride,
    });
  }
  return layoutOf(outShape, input.slots, digits);
}

/** Into how many equal steps of at least `pitch` slots a stride divides. */
function evenGap(stride: number, pitch: number): number {
  let gap = Math.max(1, Math.floor(stride / pitch));
  while (stride % gap !== 0) gap--;
  return gap;
}

/** Where an axis stands that walks the slots evenly, and goes on in further ciphertexts where it must. */
interface GridAxis {
  readonly inSlots: number;
  readonly stride: number;
  readonly ciphertexts: number;
}

/** The axis as a grid, or null where it is none. */
function gridAxis(layout: Layout, axis: number): GridAxis | null {
  const digits = layout.digits.filter((digit) => digit.of === axis);
  const [first, second] = [...digits].sort((a, b) => a.step - b.step);
  if (first?.place !== 'slot' || first.step !== 1 || digits.length > 2) return null;
  if (second === undefined) return { inSlots: first.size, stride: first.stride, ciphertexts: 1 };
  if (second.place !== 'ciphertext' || second.step !== first.size) return null;
  return { inSlots: first.size, stride: first.stride, ciphertexts: second.size };
}

function distinct(candidates: readonly Candidate[]): Candidate[] {
  const seen = new Set<string>();
  return candidates.filter((candidate) => {
    const key = JSON.stringify([candidate.layout, candidate.fold]);
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}
