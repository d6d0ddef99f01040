import { z } from 'zod';
import { elementCount, rowMajorStrides } from '../../layout/layout.ts';
import { defineOp } from '../define-op.ts';
import type { Type } from '../types.ts';
import { axis } from './attributes.ts';
import { copySegment } from './strided.ts';
import { boundsOf, resultType, shapeError, tensorOf, tensorTypeOf, tensorValue } from './values.ts';

function joined(types: readonly Type[], at: number): number[] {
  const shape = [...tensorTypeOf(types[0]).shape];
  shape[at] = types.reduce((sum, type) => sum + tensorTypeOf(type).shape[at]!, 0);
  return shape;
}

/** Flat index of the result at which each operand begins. */
function starts(types: readonly Type[], at: number): number[] {
  const stride = rowMajorStrides(joined(types, at))[at]!;
  let next = 0;
  return types.map((type) => {
    const start = next;
    next += tensorTypeOf(type).shape[at]! * stride;
    return start;
  });
}

export default defineOp({
  name: 'nn.concat',
  code: 6,
  summary: 'Operands one behind the other along an axis.',
  operands: [{ name: 'x', doc: 'tensors that agree in every other axis' }],
  variadic: true,
  attributes: z.strictObject({ axis }),
  levels: 1,
  infer(operands, attributes, context) {
    const first = tensorTypeOf(operands[0]).shape;
    for (const operand of operands) {
      const { shape } = tensorTypeOf(operand);
      const fits =
        shape.length === first.length &&
        attributes.axis < first.length &&
        shape.every((extent, k) => k === attributes.axis || extent === first[k]);
      if (!fits) {
        shapeError(
          context,
          `[${shape.join(',')}] does not join [${first.join(',')}] along axis ${attributes.axis}`,
          {
            shape,
            first,
          },
        );
      }
    }
    return resultType(joined(operands, attributes.axis), context);
  },
  range: (operands) => [
    Math.min(...operands.map((operand) => boundsOf(operand)[0])),
    Math.max(...operands.map((operand) => boundsOf(operand)[1])),
  ],
  evaluate(operands, types, attributes) {
    const shape = joined(types, attributes.axis);
    const outer = elementCount(shape.slice(0, attributes.axis));
    const data = new Float64Array(elementCount(shape));
    let at = 0;
    for (let n = 0; n < outer; n++) {
      for (const operand of operands) {
        const part = tensorOf(operand).data;
        const length = part.length / outer;
        data.set(part.subarray(n * length, (n + 1) * length), at);
        at += length;
      }
    }
    return tensorValue(shape, data);
  },
  affine(operands, attributes) {
    const outShape = joined(operands, attributes.axis);
    const outStrides = rowMajorStrides(outShape);
    const begin = starts(operands, attributes.axis);
    const maps = operands.map((operand, k) => {
      const { shape } = tensorTypeOf(operand);
      const segment = copySegment(shape, begin[k]!, outStrides, 0, rowMajorStrides(shape));
      return { inShape: shape, outShape, weights: Float64Array.of(1), segments: [segment] };
    });
    return { maps, bias: null };
  },
});
