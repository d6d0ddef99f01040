import { z } from 'zod';
import { elementCount, rowMajorStrides } from '../../layout/layout.ts';
import { defineOp } from '../define-op.ts';
import { axis } from './attributes.ts';
import { copySegment, copyStrided } from './strided.ts';
import { boundsOf, resultType, shapeError, tensorOf, tensorTypeOf, tensorValue } from './values.ts';

function permuted(values: readonly number[], permutation: readonly number[]): number[] {
  return permutation.map((from) => values[from]!);
}

export default defineOp({
  name: 'nn.transpose',
  code: 4,
  summary: 'Axes in another order: axis k of the result is axis permutation[k] of the operand.',
  operands: [{ name: 'x', doc: 'any tensor' }],
  attributes: z.strictObject({ permutation: z.array(axis).readonly() }),
  levels: 1,
  infer([x], { permutation }, context) {
    const { shape } = tensorTypeOf(x);
    const complete =
      permutation.length === shape.length && shape.every((_, k) => permutation.includes(k));
    if (!complete) {
      shapeError(context, `[${permutation.join(',')}] is not an order of ${shape.length} axes`, {
        permutation,
        shape,
      });
    }
    return resultType(permuted(shape, permutation), context);
  },
  range: ([x]) => boundsOf(x),
  evaluate([x], [type], { permutation }) {
    const { shape } = tensorTypeOf(type);
    const to = permuted(shape, permutation);
    const data = new Float64Array(elementCount(to));
    const strides = permuted(rowMajorStrides(shape), permutation);
    copyStrided(to, tensorOf(x).data, 0, strides, data, 0, rowMajorStrides(to));
    return tensorValue(to, data);
  },
  affine([x], { permutation }) {
    const { shape } = tensorTypeOf(x);
    const outShape = permuted(shape, permutation);
    const outStrides = rowMajorStrides(outShape);
    // Walk the operand in its own order, so that this and the clear semantics differ.
    const inverse = shape.map((_, k) => outStrides[permutation.indexOf(k)]!);
    const segment = copySegment(shape, 0, inverse, 0, rowMajorStrides(shape));
    const map = { inShape: shape, outShape, weights: Float64Array.of(1), segments: [segment] };
    return { maps: [map], bias: null };
  },
});
