/** What the two pools share. */
import { elementCount } from '../../layout/layout.ts';
import type { OpContext } from '../define-op.ts';
import type { Type } from '../types.ts';
import { shapeError, tensorTypeOf } from './values.ts';
import { windowOutput } from './window.ts';
import type { Window } from './window.ts';

export interface PoolAttributes {
  readonly kernelShape: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly pads: readonly number[];
  readonly ceilMode: boolean;
}

export interface PoolGeometry {
  /** Batch × channels: images that are pooled apart. */
  readonly images: number;
  readonly input: readonly number[];
  readonly output: readonly number[];
  readonly inSize: number;
  readonly outSize: number;
  readonly window: Window;
  readonly shape: readonly number[];
}

/** Throws SHAPE_MISMATCH, also for a window that holds nothing but padding. */
export function poolGeometry(
  operand: Type | undefined,
  attributes: PoolAttributes,
  context: OpContext,
): PoolGeometry {
  const { shape } = tensorTypeOf(operand);
  const [batch, channels, ...input] = shape;
  if (batch === undefined || channels === undefined || input.length === 0) {
    return shapeError(context, 'a pool needs a batch axis, a channel axis and spatial axes', {
      shape,
    });
  }
  const { kernelShape: kernel, strides, dilations, pads, ceilMode } = attributes;
  const window = { kernel, strides, dilations, pads, ceilMode };
  const output = windowOutput(input, window, context);
  input.forEach((extent, axis) => {
    for (let o = 0; o < output[axis]!; o++) {
      if (inputsOf(extent, o, axis, window) > 0) continue;
      shapeError(context, `window ${o} along spatial axis ${axis} holds nothing but padding`, {
        pads,
        kernel,
      });
    }
  });
  return {
    images: batch * channels,
    input,
    output,
    inSize: elementCount(input),
    outSize: elementCount(output),
    window,
    shape: [batch, channels, ...output],
  };
}

/** Elements of the input in the window at one position of one axis. */
export function inputsOf(extent: number, position: number, axis: number, window: Window): number {
  const start = position * window.strides[axis]! - window.pads[axis]!;
  const dilation = window.dilations[axis]!;
  const first = Math.max(0, Math.ceil(-start / dilation));
  const last = Math.min(window.kernel[axis]! - 1, Math.floor((extent - 1 - start) / dilation));
  return Math.max(0, last - first + 1);
}
