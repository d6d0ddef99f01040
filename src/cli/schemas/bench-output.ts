import { z } from 'zod';
import { defineJsonSchema } from './define-json-schema.ts';
import {
  batch,
  bytes,
  count,
  milliseconds,
  parameterFields,
  planHash,
  precisionBits,
  share,
  warnings,
} from './fields.ts';

const summary = z.strictObject({
  min: milliseconds,
  median: milliseconds,
  mean: milliseconds,
  max: milliseconds,
});

const schema = z.strictObject({
  backend: z.enum(['native', 'seal', 'clear']),
  backendReason: z.string().describe('why this one evaluated'),
  threads: z.int().positive(),
  batch,
  images: count,
  executions: count,
  timingsMs: z.strictObject({
    keygen: milliseconds.nullable().describe('null for the clear backend'),
    encrypt: summary.nullable().describe('null for the clear backend'),
    evaluate: summary,
    decrypt: summary.nullable().describe('null for the clear backend'),
  }),
  imagesPerSecond: z.number().nonnegative(),
  modelledMs: milliseconds
    .nullable()
    .describe('one execution as the cost model has it, on one thread; null for the clear backend'),
  measuredOverModelled: z
    .number()
    .nonnegative()
    .nullable()
    .describe('null where several threads evaluated'),
  precisionBits: precisionBits.extend({
    predicted: z.number().describe('by the plan'),
  }),
  profile: z
    .array(
      z.strictObject({
        node: z.string().nullable().describe('ONNX node; null for inputs and outputs'),
        ms: milliseconds.describe('milliseconds in all executions'),
        share,
      }),
    )
    .describe('sampled: where the evaluation spent its time'),
  keyBytes: bytes.describe('size of evaluation.keys: seeded, trimmed'),
  residentKeyBytes: bytes.describe("expanded keys in the server's memory"),
  inputCiphertextBytes: bytes.describe('of one execution'),
  outputCiphertextBytes: bytes.describe('of one execution'),
  predictedCiphertextBytes: bytes.nullable().describe('peak of ciphertexts; null without a report'),
  peakMemoryBytes: bytes.describe('resident peak of the process during evaluation'),
  parameters: z.strictObject(parameterFields),
  planHash,
  warnings,
});

export default defineJsonSchema({
  name: 'bench',
  title: 'Output of bench --json: times, sizes and precision of repeated executions.',
  schema,
});
