import { z } from 'zod';
import { elementCount } from '../../layout/layout.ts';
import { defineOp } from '../define-op.ts';
import type { OpContext } from '../define-op.ts';
import type { Type } from '../types.ts';
import { constantReference } from './attributes.ts';
import { axpy } from './axpy.ts';
import { stridedLoops } from './strided.ts';
import { boundsOf, resultType, shapeError, tensorOf, tensorTypeOf, tensorValue } from './values.ts';

const attributesSchema = z.strictObject({
  /** Shape [k, n]. */
  weights: constantReference,
  /** Shape [n], or null. */
  bias: constantReference.nullable(),
});

interface Parts {
  readonly shape: readonly number[];
  readonly rows: number;
  readonly k: number;
  readonly n: number;
  readonly weights: Float64Array<ArrayBuffer>;
  readonly bias: Float64Array<ArrayBuffer> | null;
}

function partsOf(
  operand: Type | undefined,
  attributes: z.infer<typeof attributesSchema>,
  context: OpContext,
): Parts {
  const { shape } = tensorTypeOf(operand);
  const weights = context.constant(attributes.weights);
  const bias = attributes.bias === null ? null : context.constant(attributes.bias);
  const [k, n] = weights.shape;
  if (weights.shape.length !== 2 || k === undefined || n === undefined || shape.at(-1) !== k) {
    return shapeError(
      context,
      `[${shape.join(',')}] does not multiply weights [${weights.shape.join(',')}]`,
      {
        x: shape,
        weights: weights.shape,
      },
    );
  }
  if (bias !== null && bias.data.length !== n) {
    shapeError(context, `the bias has ${bias.data.length} elements for ${n} columns`, {
      bias: bias.shape,
      n,
    });
  }
  const rows = elementCount(shape.slice(0, -1));
  return {
    shape: [...shape.slice(0, -1), n],
    rows,
    k,
    n,
    weights: weights.data,
    bias: bias?.data ?? null,
  };
}

export default defineOp({
  name: 'nn.dense',
  code: 11,
  summary: 'The last axis times a matrix, plus a bias.',
  operands: [{ name: 'x', doc: '[…, k]' }],
  attributes: attributesSchema,
  levels: 1,
  infer: ([x], attributes, context) => resultType(partsOf(x, attributes, context).shape, context),
  range([x], attributes, context) {
    const { k, n, weights, bias } = partsOf(x, attributes, context);
    const [lo, hi] = boundsOf(x);
    let low = Infinity;
    let high = -Infinity;
    for (let column = 0; column < n; column++) {
      let least = bias?.[column] ?? 0;
      let most = least;
      for (let row = 0; row < k; row++) {
        const w = weights[row * n + column]!;
        least += w >= 0 ? w * lo : w * hi;
        most += w >= 0 ? w * hi : w * lo;
      }
      low = Math.min(low, least);
      high = Math.max(high, most);
    }
    return [low, high];
  },
  evaluate([x], [type], attributes, context) {
    const { shape, rows, k, n, weights, bias } = partsOf(type, attributes, context);
    const { data } = tensorOf(x);
    const y = new Float64Array(rows * n);
    for (let row = 0; row < rows; row++) {
      if (bias !== null) y.set(bias, row * n);
      for (let i = 0; i < k; i++) {
        axpy(y, row * n, data[row * k + i]!, weights, i * n, 1, n);
      }
    }
    return tensorValue(shape, y);
  },
  affine([x], attributes, context) {
    const { shape, rows, k, n, weights, bias } = partsOf(x, attributes, context);
    const map = {
      inShape: tensorTypeOf(x).shape,
      outShape: shape,
      weights,
      segments: [
        {
          out: 0,
          input: 0,
          weight: 0,
          loops: stridedLoops([rows, n, k], [n, 1, 0], [k, 0, 1], [0, 1, n]),
        },
      ],
    };
    if (bias === null) return { maps: [map], bias: null };
    return { maps: [map], bias: Float64Array.from({ length: rows * n }, (_, o) => bias[o % n]!) };
  },
});
