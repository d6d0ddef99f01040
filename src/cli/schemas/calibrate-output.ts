import { z } from 'zod';
import { defineJsonSchema } from './define-json-schema.ts';
import { count, share, warnings } from './fields.ts';

const schema = z.strictObject({
  output: z.string().nullable().describe('the archive written, for compile --calibration'),
  images: count.describe('that the network was run on'),
  enough: z.boolean().describe('whether more data would change little'),
  reasons: z.array(z.string()).describe('why it is not enough'),
  activations: z.array(
    z.strictObject({
      node: z.string().nullable().describe('ONNX node'),
      op: z.string(),
      distribution: z
        .strictObject({
          count: count.describe('arguments seen'),
          least: z.number(),
          most: z.number(),
          mean: z.number(),
          deviation: z.number().nonnegative().describe('standard deviation'),
          quantiles: z
            .record(z.string(), z.number())
            .describe('by share: the number that so many are below'),
          tail: z
            .strictObject({
              threshold: z.number().nonnegative(),
              meanExcess: z.number().nonnegative(),
            })
            .describe('the largest hundredth of the magnitudes, as an exponential tail'),
          histogram: z
            .array(z.number().min(0).max(1))
            .describe('shares in 32 intervals from the least to the most'),
        })
        .describe('of the argument'),
      halfOverAll: z
        .number()
        .min(0)
        .max(1)
        .describe('largest magnitude on the first half of the images over that on all'),
      escape: share
        .nullable()
        .describe('predicted share of images beyond 1.25 times the largest; null from few images'),
      outliers: z
        .array(count)
        .describe('images, by place, whose largest magnitude is four times the median one or more'),
    }),
  ),
  warnings,
});

export default defineJsonSchema({
  name: 'calibrate',
  title: 'Output of calibrate --json: what the arguments of activations are on sample data.',
  schema,
});
