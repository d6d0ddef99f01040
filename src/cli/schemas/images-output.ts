import { z } from 'zod';
import { defineJsonSchema } from './define-json-schema.ts';
import { count, range, shape, warnings } from './fields.ts';

const schema = z.strictObject({
  output: z.string().describe('the array written'),
  labels: z.string().nullable().describe('the classes written; null without --labels-out'),
  images: count,
  shape: shape.describe('[K, C, S, S]'),
  range: range.describe('least and largest value of the array'),
  classes: z.array(z.string()).describe('names of the sub-folders, by class'),
  mean: z.array(z.number()).describe('by channel'),
  std: z.array(z.number()).describe('by channel'),
  warnings,
});

export default defineJsonSchema({
  name: 'images',
  title: 'Output of images --json: the array made of a folder of images.',
  schema,
});
