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

/** Runs of positions along the last spatial axis whose input is not padding. */
export interface SpatialRuns {
  /** Flat spatial index of the first position, of its input, and the number of positions, per run. */
  readonly out: Int32Array<ArrayBuffer>;
  readonly input: Int32Array<ArrayBuffer>;
  readonly count: Int32Array<ArrayBuffer>;
  /** Distance of the inputs of neighbouring positions. */
  readonly stride: number;
}

/** What one kernel element connects: every position is tried, those in padding are left out. */
export function spatialRuns(
  input: readonly number[],
  output: readonly number[],
  window: Window,
  kernelIndex: readonly number[],
): SpatialRuns {
  const last = output.length - 1;
  const rows = output.slice(0, -1).reduce((product, extent) => product * extent, 1);
  const width = output[last] ?? 1;
  const out: number[] = [];
  const from: number[] = [];
  const count: number[] = [];
  const inputAt = (position: number, axis: number): number => {
    const i =
      position * window.strides[axis]! +
      kernelIndex[axis]! * window.dilations[axis]! -
      window.pads[axis]!;
    return i >= 0 && i < input[axis]! ? i : -1;
  };
  // The same along every row.
  const [first, end] =
    last < 0
      ? [0, -1]
      : validPositions(
          input[last]!,
          width,
          window.strides[last]!,
          kernelIndex[last]! * window.dilations[last]! - window.pads[last]!,
        );
  const length = end - first + 1;
  const at = new Array<number>(Math.max(0, last)).fill(0);
  for (let row = 0; length > 0 && row < rows; row++) {
    let flat = 0;
    for (let axis = 0; axis < last; axis++) {
      const i = inputAt(at[axis]!, axis);
      flat = i < 0 || flat < 0 ? -1 : flat * input[axis]! + i;
    }
    if (flat >= 0) {
      out.push(row * width + first);
      from.push(flat * input[last]! + inputAt(first, last));
      count.push(length);
    }
    for (let axis = last - 1; axis >= 0; axis--) {
      if (++at[axis]! < output[axis]!) break;
      at[axis] = 0;
    }
  }
  return {
    out: Int32Array.from(out),
    input: Int32Array.from(from),
    count: Int32Array.from(count),
    stride: window.strides[last] ?? 1,
  };
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
