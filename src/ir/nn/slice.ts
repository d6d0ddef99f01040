import { z } from 'zod';
import { elementCount, rowMajorStrides } from '../../layout/layout.ts';
import { defineOp } from '../define-op.ts';
import { axis, extents, integers } from './attributes.ts';
import { copySegment, copyStrided } from './strided.ts';
import { boundsOf, resultType, shapeError, tensorOf, tensorTypeOf, tensorValue } from './values.ts';

export default defineOp({
  name: 'nn.slice',
  code: 7,
  summary: 'Every step-th element of each axis, from a start; steps may be negative.',
  operands: [{ name: 'x', doc: 'any tensor' }],
  attributes: z.strictObject({
    starts: z.array(axis).readonly(),
    steps: integers,
    /** Shape of the result. */
    shape: extents,
  }),
  levels: 1,
  infer([x], { starts, steps, shape }, context) {
    const from = tensorTypeOf(x).shape;
    const ranks = [starts.length, steps.length, shape.length];
    if (ranks.some((rank) => rank !== from.length)) {
      shapeError(
        context,
        `a slice of rank ${from.length} needs as many starts, steps and extents`,
        {
          starts,
          steps,
          shape,
        },
      );
    }
    from.forEach((extent, k) => {
      const last = starts[k]! + (shape[k]! - 1) * steps[k]!;
      if (starts[k]! >= extent || last < 0 || last >= extent || steps[k] === 0) {
        shapeError(
          context,
          `axis ${k}: elements ${starts[k]!} to ${last} leave the extent ${extent}`,
          {
            start: starts[k],
            last,
            extent,
          },
        );
      }
    });
    return resultType(shape, context);
  },
  range: ([x]) => boundsOf(x),
  evaluate([x], [type], { starts, steps, shape }) {
    const inStrides = rowMajorStrides(tensorTypeOf(type).shape);
    const start = starts.reduce((sum, at, k) => sum + at * inStrides[k]!, 0);
    const data = new Float64Array(elementCount(shape));
    const strides = inStrides.map((stride, k) => stride * steps[k]!);
    copyStrided(shape, tensorOf(x).data, start, strides, data, 0, rowMajorStrides(shape));
    return tensorValue(shape, data);
  },
  affine([x], { starts, steps, shape }) {
    const from = tensorTypeOf(x).shape;
    const inStrides = rowMajorStrides(from);
    const start = starts.reduce((sum, at, k) => sum + at * inStrides[k]!, 0);
    const strides = inStrides.map((stride, k) => stride * steps[k]!);
    const segment = copySegment(shape, 0, rowMajorStrides(shape), start, strides);
    const map = {
      inShape: from,
      outShape: shape,
      weights: Float64Array.of(1),
      segments: [segment],
    };
    return { maps: [map], bias: null };
  },
});
