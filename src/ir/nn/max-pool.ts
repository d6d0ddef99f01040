import { z } from 'zod';
import { defineOp } from '../define-op.ts';
import { poolAttributes } from './attributes.ts';
import { poolGeometry } from './pool.ts';
import { boundsOf, resultType, tensorOf, tensorValue } from './values.ts';
import { indicesOf, spatialRuns } from './window.ts';

export default defineOp({
  name: 'nn.max-pool',
  code: 14,
  summary:
    'Largest element of each window over the spatial axes; has no polynomial form of its own.',
  operands: [{ name: 'x', doc: '[batch, channels, spatial…]' }],
  attributes: z.strictObject(poolAttributes),
  levels: 0,
  infer: ([x], attributes, context) =>
    resultType(poolGeometry(x, attributes, context).shape, context),
  range: ([x]) => boundsOf(x),
  evaluate([x], [type], attributes, context) {
    const { images, input, output, inSize, outSize, window, shape } = poolGeometry(
      type,
      attributes,
      context,
    );
    const { data } = tensorOf(x);
    const y = new Float64Array(images * outSize).fill(-Infinity);
    for (const index of indicesOf(window.kernel)) {
      const runs = spatialRuns(input, output, window, index);
      for (let n = 0; n < images; n++) {
        for (let r = 0; r < runs.out.length; r++) {
          const to = n * outSize + runs.out[r]!;
          const from = n * inSize + runs.input[r]!;
          for (let k = 0; k < runs.count[r]!; k++) {
            y[to + k] = Math.max(y[to + k]!, data[from + k * runs.stride]!);
          }
        }
      }
    }
    return tensorValue(shape, y);
  },
});
