/** Windows over the last two axes. */
import { z } from 'zod';
import type { NodeValue } from '../../define-importer.ts';
import { count, defineMethod, operand, parameter, shapeOfNode } from '../define-method.ts';
import type { MethodContext, OperatorAttributes } from '../define-method.ts';

const pair = z.union([count, z.tuple([count, count]).readonly()]);
const rows = z.int().min(0);
const padding = z
  .union([z.enum(['valid', 'same']), rows, z.tuple([rows, rows]).readonly()])
  .default('valid');

type Pair = z.infer<typeof pair>;

function both(value: number | readonly [number, number]): readonly [number, number] {
  return typeof value === 'number' ? [value, value] : value;
}

function windowAttributes(
  padding: 'valid' | 'same' | number | readonly [number, number],
  stride: Pair,
): OperatorAttributes {
  const strides = both(stride);
  if (padding === 'valid') return { strides };
  if (padding === 'same') return { strides, auto_pad: 'SAME_UPPER' };
  const pads = both(padding);
  return { strides, pads: [...pads, ...pads] };
}

/** An image of rank 2, 3 or 4 as [batch, channels, height, width]. */
function asBatch(x: NodeValue, context: MethodContext): NodeValue {
  const shape = shapeOfNode(x);
  if (shape.length < 2 || shape.length > 4) {
    context.invalid(
      `[${shape.join(',')}] is not an image`,
      'reshape it to [height, width], [channels, height, width] or [batch, channels, height, width]',
    );
  }
  if (shape.length === 4) return x;
  const full = shape.length === 3 ? [1, ...shape] : [1, 1, ...shape];
  return context.apply('Reshape', [x, context.integers(full)]);
}

/** The result under the rank of the image it came from, or of its channels. */
function asImage(y: NodeValue, rank: number, context: MethodContext): NodeValue {
  const shape = shapeOfNode(y);
  const kept = rank === 2 && shape[1] !== 1 ? 3 : rank;
  if (kept === 4) return y;
  return context.apply('Reshape', [y, context.integers(shape.slice(4 - kept))]);
}

/** A kernel [height, width] works on each channel by itself. */
function perChannel(kernel: NodeValue, channels: number, context: MethodContext): NodeValue {
  const shape = shapeOfNode(kernel);
  const one = context.apply('Reshape', [kernel, context.integers([1, 1, ...shape])]);
  return context.apply('Expand', [one, context.integers([channels, 1, ...shape])]);
}

export const windows = {
  conv2d: defineMethod({
    summary:
      'Cross-correlation over the last two axes. A kernel [height, width] filters each channel.',
    parameters: [
      parameter(
        'kernel',
        operand,
        'constant [height, width], or [maps, channels / groups, height, width]',
      ),
      parameter(
        'options',
        z
          .strictObject({
            padding,
            stride: pair.default(1),
            dilation: pair.default(1),
            groups: count.optional(),
            bias: z.unknown(),
          })
          .partial({ bias: true })
          .prefault({}),
        "{ padding: 'valid' | 'same' | rows | [rows, columns], stride, dilation, groups, bias }",
      ),
    ],
    build(x, [kernel, { padding, stride, dilation, groups, bias }], context) {
      const images = asBatch(x, context);
      const channels = shapeOfNode(images)[1]!;
      const weights = context.node(kernel);
      const rank = shapeOfNode(weights).length;
      if (rank !== 2 && rank !== 4) {
        context.invalid(
          `[${shapeOfNode(weights).join(',')}] is not a kernel`,
          'give [height, width] or [maps, channels, height, width]',
        );
      }
      if (rank === 2 && groups !== undefined) {
        context.invalid('groups need a kernel [maps, channels / groups, height, width]');
      }
      const stack = rank === 2 ? perChannel(weights, channels, context) : weights;
      const y = context.apply(
        'Conv',
        [images, stack, bias === undefined ? undefined : context.node(bias)],
        {
          ...windowAttributes(padding, stride),
          dilations: both(dilation),
          group: rank === 2 ? channels : (groups ?? 1),
        },
      );
      return asImage(y, shapeOfNode(x).length, context);
    },
  }),
  avgPool2d: defineMethod({
    summary: 'Mean of each window over the last two axes.',
    parameters: [
      parameter('size', pair, 'height and width of the window'),
      parameter(
        'options',
        z
          .strictObject({
            padding,
            stride: pair.optional(),
            countPadding: z.boolean().default(false),
          })
          .prefault({}),
        '{ padding, stride: the size where absent, countPadding: whether padding counts as 0 }',
      ),
    ],
    build(x, [size, { padding, stride, countPadding }], context) {
      const y = context.apply('AveragePool', [asBatch(x, context)], {
        ...windowAttributes(padding, stride ?? size),
        kernel_shape: both(size),
        count_include_pad: Number(countPadding),
      });
      return asImage(y, shapeOfNode(x).length, context);
    },
  }),
};
