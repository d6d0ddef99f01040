import { z } from 'zod';
import { defineJsonSchema } from './define-json-schema.ts';
import {
  approximationFields,
  batch,
  bytes,
  count,
  milliseconds,
  outputRows,
  parameterFields,
  planHash,
  precisionBits,
  share,
  warnings,
} from './fields.ts';

const schema = z.strictObject({
  backend: z.enum(['native', 'seal', 'clear']),
  backendReason: z.string().describe('why this one evaluated'),
  target: z.enum(['portable', 'native']),
  threads: z.int().positive(),
  batch,
  images: count,
  accuracy: share.nullable().describe('against --labels; null without'),
  accuracyReference: share.nullable().describe('of the model of --model; null without'),
  accuracyProgram: share.nullable().describe('of the plan in the clear; null without --labels'),
  agreement: share.nullable().describe('top-1 agreement with agreementReference'),
  agreementReference: z.string().describe('the model of --model, else the plan in the clear'),
  agreementProgram: share.nullable().describe('top-1 agreement with the plan in the clear'),
  outputs: outputRows,
  precisionBits,
  timingsMs: z.strictObject({
    keygen: milliseconds.nullable().describe('null for the clear backend'),
    encrypt: z.array(milliseconds),
    evaluate: z.array(milliseconds).describe('one entry an execution'),
    decrypt: z.array(milliseconds),
  }),
  keyBytes: bytes.describe('size of evaluation.keys: seeded, trimmed'),
  residentKeyBytes: bytes.describe("expanded keys in the server's memory"),
  inputCiphertextBytes: bytes.describe('of one execution'),
  outputCiphertextBytes: bytes.describe('of one execution'),
  peakMemoryBytes: bytes.describe('resident peak of the process during evaluation'),
  parameters: z.strictObject(parameterFields),
  approximations: z.array(z.strictObject(approximationFields)),
  planHash,
  warnings,
});

export default defineJsonSchema({
  name: 'run',
  title: 'Output of run --json: answers, precision, times and sizes of a whole run.',
  schema,
});
