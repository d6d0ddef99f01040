import { z } from 'zod';
import { elementCount } from '../../layout/layout.ts';
import { defineOp } from '../define-op.ts';
import type { OpContext } from '../define-op.ts';
import type { Type } from '../types.ts';
import { constantReference } from './attributes.ts';
import { stridedLoops } from './strided.ts';
import { boundsOf, resultType, shapeError, tensorOf, tensorTypeOf, tensorValue } from './values.ts';

const attributesSchema = z.strictObject({
  /** Each of shape [channels]. */
  scale: constantReference,
  bias: constantReference,
  mean: constantReference,
  variance: constantReference,
  epsilon: z.number().nonnegative(),
});

interface Channels {
  readonly shape: readonly number[];
  readonly batch: number;
  readonly channels: number;
  readonly size: number;
  /** y = factor · x + offset, per channel. */
  readonly factor: Float64Array<ArrayBuffer>;
  readonly offset: Float64Array<ArrayBuffer>;
}

function channelsOf(
  operand: Type | undefined,
  attributes: z.infer<typeof attributesSchema>,
  context: OpContext,
): Channels {
  const { shape } = tensorTypeOf(operand);
  const [batch, channels, ...spatial] = shape;
  if (batch === undefined || channels === undefined) {
    return shapeError(context, 'a batch normalisation needs a batch axis and a channel axis', {
      shape,
    });
  }
  const parameter = (name: 'scale' | 'bias' | 'mean' | 'variance'): Float64Array<ArrayBuffer> => {
    const { data, shape: own } = context.constant(attributes[name]);
    if (data.length !== channels) {
      shapeError(
        context,
        `${name} [${own.join(',')}] does not fit ${channels} channels of [${shape.join(',')}]`,
        {
          [name]: own,
          channels,
        },
      );
    }
    return data;
  };
  const [scale, bias, mean] = [parameter('scale'), parameter('bias'), parameter('mean')];
  const deviation = parameter('variance').map((variance) =>
    Math.sqrt(variance + attributes.epsilon),
  );
  const bad = deviation.findIndex((value) => !(value > 0));
  if (bad >= 0)
    shapeError(context, `variance + epsilon of channel ${bad} is not positive`, { channel: bad });
  const factor = scale.map((value, c) => value / deviation[c]!);
  const offset = bias.map((value, c) => value - mean[c]! * factor[c]!);
  return { shape, batch, channels, size: elementCount(spatial), factor, offset };
}

export default defineOp({
  name: 'nn.batch-norm',
  code: 12,
  summary: 'Normalisation of each channel (axis 1) by statistics of the training.',
  operands: [{ name: 'x', doc: '[batch, channels, spatial…]' }],
  attributes: attributesSchema,
  levels: 1,
  infer: ([x], attributes, context) =>
    resultType(channelsOf(x, attributes, context).shape, context),
  range([x], attributes, context) {
    const { factor, offset } = channelsOf(x, attributes, context);
    const [lo, hi] = boundsOf(x);
    let low = Infinity;
    let high = -Infinity;
    for (let c = 0; c < factor.length; c++) {
      const a = factor[c]! * lo + offset[c]!;
      const b = factor[c]! * hi + offset[c]!;
      low = Math.min(low, a, b);
      high = Math.max(high, a, b);
    }
    return [low, high];
  },
  evaluate([x], [type], attributes, context) {
    const { shape, batch, channels, size } = channelsOf(type, attributes, context);
    const [scale, bias, mean, variance] = [
      context.constant(attributes.scale).data,
      context.constant(attributes.bias).data,
      context.constant(attributes.mean).data,
      context.constant(attributes.variance).data,
    ];
    const { data } = tensorOf(x);
    const y = new Float64Array(data.length);
    for (let n = 0; n < batch * channels; n++) {
      const c = n % channels;
      const deviation = Math.sqrt(variance[c]! + attributes.epsilon);
      for (let i = n * size; i < (n + 1) * size; i++) {
        y[i] = (scale[c]! * (data[i]! - mean[c]!)) / deviation + bias[c]!;
      }
    }
    return tensorValue(shape, y);
  },
  affine([x], attributes, context) {
    const { shape, batch, channels, size, factor, offset } = channelsOf(x, attributes, context);
    const strides = [channels * size, size, 1];
    const map = {
      inShape: shape,
      outShape: shape,
      weights: factor,
      segments: [
        {
          out: 0,
          input: 0,
          weight: 0,
          loops: stridedLoops([batch, channels, size], strides, strides, [0, 1, 0]),
        },
      ],
    };
    const bias = Float64Array.from(
      { length: elementCount(shape) },
      (_, o) => offset[Math.floor(o / size) % channels]!,
    );
    return { maps: [map], bias };
  },
});
