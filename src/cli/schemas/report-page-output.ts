import { z } from 'zod';
import { defineJsonSchema } from './define-json-schema.ts';
import { bytes, planHash, share, warnings } from './fields.ts';

const schema = z.strictObject({
  output: z.string(),
  bytes,
  verdict: z.enum(['good', 'attention', 'bad']),
  accuracy: z.strictObject({
    original: share.nullable(),
    polynomial: share.nullable(),
    simulated: share.nullable(),
    encrypted: share.nullable(),
  }),
  results: z.array(z.string()).describe('files whose figures the page shows'),
  foreignResults: z.array(z.string()).describe('files in the folder about another plan'),
  planHash,
  warnings,
});

export default defineJsonSchema({
  name: 'report-page',
  title: 'Output of report --json: where the page is, and its verdict.',
  schema,
});
