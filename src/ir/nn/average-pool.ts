import { z } from 'zod';
import { rowMajorStrides } from '../../layout/layout.ts';
import { defineOp } from '../define-op.ts';
import type { Segment } from '../linear-map.ts';
import { poolAttributes } from './attributes.ts';
import { axpy } from './axpy.ts';
import { inputsOf, poolGeometry } from './pool.ts';
import type { PoolGeometry } from './pool.ts';
import { stridedLoops } from './strided.ts';
import { boundsOf, resultType, tensorOf, tensorTypeOf, tensorValue } from './values.ts';
import { indicesOf, spatialRuns, validPositions } from './window.ts';

/** What the sum at each position is divided by. */
function divisors(geometry: PoolGeometry, countIncludePad: boolean): Float64Array<ArrayBuffer> {
  const { input, output, outSize, window } = geometry;
  const perAxis = input.map((extent, axis) =>
    Array.from({ length: output[axis]! }, (_, o) => {
      if (!countIncludePad) return inputsOf(extent, o, axis, window);
      // Padding counts, what a partial last window has beyond the padding does not.
      const before = window.pads[axis]!;
      const padded = extent + before + window.pads[axis + input.length]!;
      const whole = { ...window, pads: window.pads.map(() => 0) };
      return inputsOf(padded, o, axis, whole);
    }),
  );
  const result = new Float64Array(outSize);
  let n = 0;
  for (const index of indicesOf(output)) {
    result[n++] = index.reduce((product, o, axis) => product * perAxis[axis]![o]!, 1);
  }
  return result;
}

export default defineOp({
  name: 'nn.average-pool',
  code: 13,
  summary: 'Mean of each window over the spatial axes.',
  operands: [{ name: 'x', doc: '[batch, channels, spatial…]' }],
  attributes: z.strictObject({
    ...poolAttributes,
    /** Whether padding counts as elements of value 0. */
    countIncludePad: z.boolean(),
  }),
  levels: 1,
  infer: ([x], attributes, context) =>
    resultType(poolGeometry(x, attributes, context).shape, context),
  range([x], attributes) {
    const [lo, hi] = boundsOf(x);
    const withZeros = attributes.countIncludePad && attributes.pads.some((pad) => pad > 0);
    return withZeros ? [Math.min(lo, 0), Math.max(hi, 0)] : [lo, hi];
  },
  evaluate([x], [type], attributes, context) {
    const geometry = poolGeometry(type, attributes, context);
    const { images, input, output, inSize, outSize, window, shape } = geometry;
    const { data } = tensorOf(x);
    const y = new Float64Array(images * outSize);
    for (const index of indicesOf(window.kernel)) {
      const runs = spatialRuns(input, output, window, index);
      for (let n = 0; n < images; n++) {
        for (let r = 0; r < runs.out.length; r++) {
          const to = n * outSize + runs.out[r]!;
          axpy(y, to, 1, data, n * inSize + runs.input[r]!, runs.stride, runs.count[r]!);
        }
      }
    }
    const divisor = divisors(geometry, attributes.countIncludePad);
    for (let o = 0; o < y.length; o++) y[o]! /= divisor[o % outSize]!;
    return tensorValue(shape, y);
  },
  affine([x], attributes, context) {
    const geometry = poolGeometry(x, attributes, context);
    const { images, input, output, inSize, outSize, window, shape } = geometry;
    const inverse = divisors(geometry, attributes.countIncludePad).map((divisor) => 1 / divisor);
    const uniform = inverse.every((weight) => weight === inverse[0]);
    const inStrides = rowMajorStrides(input);
    const outStrides = rowMajorStrides(output);
    const segments: Segment[] = [];
    for (const index of indicesOf(window.kernel)) {
      const offsets = index.map((k, axis) => k * window.dilations[axis]! - window.pads[axis]!);
      const valid = input.map((extent, axis) =>
        validPositions(extent, output[axis]!, window.strides[axis]!, offsets[axis]!),
      );
      if (valid.some(([first, last]) => last < first)) continue;
      const outStart = valid.reduce((sum, [first], axis) => sum + first * outStrides[axis]!, 0);
      segments.push({
        out: outStart,
        input: valid.reduce(
          (sum, [first], axis) =>
            sum + (first * window.strides[axis]! + offsets[axis]!) * inStrides[axis]!,
          0,
        ),
        weight: uniform ? 0 : outStart,
        loops: stridedLoops(
          [images, ...valid.map(([first, last]) => last - first + 1)],
          [outSize, ...outStrides],
          [inSize, ...inStrides.map((stride, axis) => stride * window.strides[axis]!)],
          uniform ? [] : [0, ...outStrides],
        ),
      });
    }
    const weights = uniform ? inverse.slice(0, 1) : inverse;
    return {
      maps: [{ inShape: tensorTypeOf(x).shape, outShape: shape, weights, segments }],
      bias: null,
    };
  },
});
