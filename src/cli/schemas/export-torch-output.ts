import { z } from 'zod';
import { defineJsonSchema } from './define-json-schema.ts';
import { approximation, bytes, count, warnings } from './fields.ts';

const schema = z.strictObject({
  output: z.string().describe('the module'),
  weights: z.string().describe('the archive beside it'),
  weightBytes: bytes,
  batched: z.boolean().describe('whether it takes any number of images at a time'),
  polynomials: count.describe("trainable ones: of activations, and the model's own"),
  approximations: z.array(approximation.omit({ sketch: true })),
  warnings,
});

export default defineJsonSchema({
  name: 'export-torch',
  title: 'Output of export-torch --json.',
  schema,
});
