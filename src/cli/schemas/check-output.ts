import { z } from 'zod';
import { defineJsonSchema } from './define-json-schema.ts';
import { bytes, count, insecure, planHash, warnings } from './fields.ts';

const schema = z.strictObject({
  ok: z.boolean().describe('whether every budget holds; exit status 5 otherwise'),
  insecure,
  budgets: z.array(
    z.strictObject({
      name: z.string().describe('the figure'),
      option: z.string().describe('the option that set the limit'),
      limit: z.number(),
      figure: z.number().nullable().describe('null where it is not known: the budget is missed'),
      bound: z.enum(['least', 'most']),
      met: z.boolean(),
    }),
  ),
  missed: z.array(z.string()).describe('names of the budgets that do not hold'),
  securityBits: z.number().nullable().describe('recomputed from the parameters'),
  precisionBits: z.number().describe('predicted, of the worst output'),
  keyBytes: bytes.describe('size of evaluation.keys: seeded, trimmed'),
  residentKeyBytes: bytes.describe("expanded keys in the server's memory"),
  peakCiphertextBytes: bytes.describe('predicted peak of the ciphertexts one execution holds'),
  memoryBytes: bytes.describe('expanded keys and ciphertexts together'),
  rangeEscape: z.number().min(0).max(1).nullable().describe('probability to leave a range'),
  ranges: z
    .strictObject({ proved: count, calibrated: count })
    .nullable()
    .describe('how many ranges are known how; null without report.json'),
  planHash,
  warnings,
});

export default defineJsonSchema({
  name: 'check',
  title: 'Output of check --json: the figures of a plan against their budgets.',
  schema,
});
