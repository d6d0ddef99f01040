import { z } from 'zod';
import { defineJsonSchema } from './define-json-schema.ts';
import { bytes, count, insecure, planHash, share, warnings } from './fields.ts';

const limitFields = {
  name: z.string().describe('the figure'),
  option: z.string().describe('what set the limit: a flag, or a file and its key'),
  limit: z.number(),
  figure: z.number(),
  bound: z.enum(['least', 'most']),
  source: z.string().describe('how the figure is known, or what it is compared with'),
  met: z.boolean(),
};

const schema = z.strictObject({
  ok: z.boolean().describe('whether every limit holds; exit status 5 otherwise'),
  insecure,
  budgetFile: z.string().nullable().describe('the budget file that was read'),
  budgets: z.array(z.strictObject(limitFields)),
  missed: z.array(z.string()).describe('names of the budgets that do not hold'),
  baseline: z
    .strictObject({
      file: z.string(),
      comparisons: z
        .array(z.strictObject(limitFields))
        .describe('the limit is the earlier figure with its tolerance'),
      missed: z.array(z.string()).describe('names of the figures that are worse than allowed'),
      notCompared: z.array(z.strictObject({ name: z.string(), reason: z.string() })),
    })
    .nullable(),
  measured: z
    .strictObject({
      backend: z.enum(['clear', 'native', 'seal']),
      threads: z.int().positive(),
      images: count,
      latencyMs: z.number().nonnegative().nullable().describe('median; null without encryption'),
      precisionBits: z.number().nullable().describe('on the worst image; null without encryption'),
    })
    .nullable()
    .describe('null where nothing was run'),
  securityBits: z.number().nullable().describe('recomputed from the parameters'),
  precisionBits: z.number().describe('predicted, of the worst output'),
  modelledMs: z.number().nonnegative().nullable().describe('of one execution'),
  keyBytes: bytes.describe('size of evaluation.keys: seeded, trimmed'),
  residentKeyBytes: bytes.describe("expanded keys in the server's memory"),
  peakCiphertextBytes: bytes.describe('predicted peak of the ciphertexts one execution holds'),
  memoryBytes: bytes.describe('predicted for the native evaluator: keys, encoded constants, ciphertexts, its process'),
  rangeEscape: z.number().min(0).max(1).nullable().describe('probability to leave a range'),
  fullOutputs: z
    .array(z.string())
    .describe('outputs with an element in every slot: what wraps shows only beyond their bounds'),
  ranges: z.strictObject({ proved: count, calibrated: count }).describe('how many are known how'),
  agreement: share.nullable().describe('with the original model; null without --model'),
  accuracy: share.nullable().describe('null without --labels'),
  planHash,
  warnings,
});

export default defineJsonSchema({
  name: 'check',
  title: 'Output of check --json: the figures of a plan against their budgets.',
  schema,
});
