/** Geometry of windows that slide over spatial axes: convolutions and pools. */
import type { OpContext } from '../define-op.ts';
import { shapeError } from './values.ts';

export interface Window {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  /** Before each axis, then behind each axis. */
  readonly pads: readonly number[];
  readonly ceilMode: boolean;
}

/**
 * Number of positions of the window along each axis.
 *
 * Throws SHAPE_MISMATCH where the attributes have another rank than the input or the window does
 * not fit. Source: ONNX operators, "AveragePool"; a window that would begin in the padding behind
 * the input does not count, as in PyTorch and ONNX Runtime.
 */
export function windowOutput(
  input: readonly number[],
  window: Window,
  context: OpContext,
): number[] {
  const rank = input.length;
  const { kernel, strides, dilations, pads } = window;
  if (
    kernel.length !== rank ||
    strides.length !== rank ||
    dilations.length !== rank ||
    pads.length !== 2 * rank
  ) {
    shapeError(
      context,
      `a window over ${rank} spatial axes needs ${rank} extents, strides, dilations and ${2 * rank} pads`,
      {
        kernel,
        strides,
        dilations,
        pads,
      },
    );
  }
  return input.map((extent, axis) => {
    const before = pads[axis] ?? 0;
    const stride = strides[axis] ?? 1;
    const span = (dilations[axis] ?? 1) * ((kernel[axis] ?? 1) - 1) + 1;
    const room = extent + before + (pads[axis + rank] ?? 0) - span;
    if (room < 0) {
      shapeError(
        context,
        `a window of ${span} does not fit into ${room + span} (padded) along spatial axis ${axis}`,
        {
          window: span,
          padded: room + span,
        },
      );
    }
    if (!window.ceilMode) return Math.floor(room / stride) + 1;
    const positions = Math.ceil(room / stride) + 1;
    return (positions - 1) * stride >= extent + before ? positions - 1 : positions;
  });
}

/** Positions at which one kernel element meets the input rather than padding: [first, last]. */
export function validPositions(
  extent: number,
  positions: number,
  stride: number,
  offset: number,
): readonly [number, number] {
  const first = Math.max(0, Math.ceil(-offset / stride));
  const last = Math.min(positions - 1, Math.floor((extent - 1 - offset) / stride));
  return [first, last];
}

/** Pairs of flat spatial indices that one kernel element connects. */
export interface SpatialPairs {
  readonly out: Int32Array<ArrayBuffer>;
  readonly input: Int32Array<ArrayBuffer>;
}

/** List the pairs by walking every position and leaving out those that fall into padding. */
export function spatialPairs(
  input: readonly number[],
  output: readonly number[],
  window: Window,
  kernelIndex: readonly number[],
): SpatialPairs {
  const total = output.reduce((product, extent) => product * extent, 1);
  const out = new Int32Array(total);
  const from = new Int32Array(total);
  const at = new Array<number>(output.length).fill(0);
  let kept = 0;
  for (let o = 0; o < total; o++) {
    let flat = 0;
    for (let axis = 0; axis < output.length; axis++) {
      const i =
        at[axis]! * window.strides[axis]! +
        kernelIndex[axis]! * window.dilations[axis]! -
        window.pads[axis]!;
      if (i < 0 || i >= input[axis]!) {
        flat = -1;
        break;
      }
      flat = flat * input[axis]! + i;
    }
    if (flat >= 0) {
      out[kept] = o;
      from[kept] = flat;
      kept++;
    }
    for (let axis = output.length - 1; axis >= 0; axis--) {
      if (++at[axis]! < output[axis]!) break;
      at[axis] = 0;
    }
  }
  return { out: out.subarray(0, kept), input: from.subarray(0, kept) };
}

/** Every multi-index below the extents, in row-major order. */
export function* indicesOf(extents: readonly number[]): Generator<readonly number[]> {
  const total = extents.reduce((product, extent) => product * extent, 1);
  const index = new Array<number>(extents.length).fill(0);
  for (let n = 0; n < total; n++) {
    yield [...index];
    for (let axis = extents.length - 1; axis >= 0; axis--) {
      if (++index[axis]! < extents[axis]!) break;
      index[axis] = 0;
    }
  }
}
