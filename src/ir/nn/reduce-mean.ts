import { z } from 'zod';
import { elementCount, rowMajorStrides } from '../../layout/layout.ts';
import { defineOp } from '../define-op.ts';
import { axis } from './attributes.ts';
import { stridedLoops } from './strided.ts';
import { boundsOf, resultType, shapeError, tensorOf, tensorTypeOf, tensorValue } from './values.ts';

/** Shape of the result with the reduced axes at extent 1. */
function keptShape(shape: readonly number[], axes: readonly number[]): number[] {
  return shape.map((extent, k) => (axes.includes(k) ? 1 : extent));
}

function resultShape(
  shape: readonly number[],
  axes: readonly number[],
  keepDims: boolean,
): number[] {
  return keepDims ? keptShape(shape, axes) : shape.filter((_, k) => !axes.includes(k));
}

/** Strides that walk the result along the axes of the operand. */
function resultStrides(shape: readonly number[], axes: readonly number[]): number[] {
  return rowMajorStrides(keptShape(shape, axes)).map((stride, k) =>
    axes.includes(k) ? 0 : stride,
  );
}

export default defineOp({
  name: 'nn.reduce-mean',
  code: 15,
  summary: 'Mean over axes.',
  operands: [{ name: 'x', doc: 'any tensor' }],
  attributes: z.strictObject({
    axes: z.array(axis).readonly(),
    /** Whether reduced axes stay with extent 1. */
    keepDims: z.boolean(),
  }),
  levels: 1,
  infer([x], { axes, keepDims }, context) {
    const { shape } = tensorTypeOf(x);
    if (axes.some((at) => at >= shape.length) || new Set(axes).size !== axes.length) {
      shapeError(context, `the axes [${axes.join(',')}] are not axes of [${shape.join(',')}]`, {
        axes,
        shape,
      });
    }
    return resultType(resultShape(shape, axes, keepDims), context);
  },
  range: ([x]) => boundsOf(x),
  evaluate([x], [type], { axes, keepDims }) {
    const { shape } = tensorTypeOf(type);
    const to = resultShape(shape, axes, keepDims);
    const strides = resultStrides(shape, axes);
    const { data } = tensorOf(x);
    const y = new Float64Array(elementCount(to));
    const index = new Array<number>(shape.length).fill(0);
    let at = 0;
    for (const value of data) {
      y[at]! += value;
      for (let k = shape.length - 1; k >= 0; k--) {
        if (++index[k]! < shape[k]!) {
          at += strides[k]!;
          break;
        }
        at -= strides[k]! * (shape[k]! - 1);
        index[k] = 0;
      }
    }
    const count = data.length / y.length;
    return tensorValue(
      to,
      y.map((sum) => sum / count),
    );
  },
  affine([x], { axes, keepDims }) {
    const { shape } = tensorTypeOf(x);
    const outShape = resultShape(shape, axes, keepDims);
    const weight = elementCount(outShape) / elementCount(shape);
    const loops = stridedLoops(shape, resultStrides(shape, axes), rowMajorStrides(shape));
    const map = {
      inShape: shape,
      outShape,
      weights: Float64Array.of(weight),
      segments: [{ out: 0, input: 0, weight: 0, loops }],
    };
    return { maps: [map], bias: null };
  },
});
