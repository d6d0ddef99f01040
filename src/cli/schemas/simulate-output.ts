import { z } from 'zod';
import { defineJsonSchema } from './define-json-schema.ts';
import { count, outputRows, planHash, precisionBits, rangeEscapes, share, warnings } from './fields.ts';

const schema = z.strictObject({
  images: count,
  seed: count.describe('of the noise'),
  evaluator: z.enum(['native', 'seal']).describe('whose noise'),
  accuracy: share.nullable().describe('against --labels; null without'),
  agreementProgram: share.nullable().describe('top-1 agreement with the plan in the clear'),
  precisionBits,
  escapedImages: count.describe('that leave any range: encrypted, their values may wrap'),
  rangeEscapes,
  outputs: outputRows,
  planHash,
  warnings,
});

export default defineJsonSchema({
  name: 'simulate',
  title: 'Output of simulate --json: a plan with the noise of ciphertexts, and range escapes.',
  schema,
});
