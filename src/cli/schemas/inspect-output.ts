import { z } from 'zod';
import type { Inspection } from '../../inspect.ts';
import { defineJsonSchema } from './define-json-schema.ts';
import { bytes, count, range, shape, warnings } from './fields.ts';

const tensor = { name: z.string(), shape };

const schema = z.strictObject({
  file: z.string(),
  name: z.string(),
  inputs: z.array(z.strictObject({ ...tensor, range })),
  outputs: z.array(z.strictObject(tensor)),
  nodes: z
    .array(z.strictObject({ name: z.string(), operator: z.string() }))
    .describe('nodes the outputs depend on, in execution order'),
  operators: z.record(z.string(), z.int().positive()).describe('how often each operator occurs'),
  supported: z.boolean().describe('whether all of it can be compiled; exit status 4 otherwise'),
  unsupported: z.array(
    z.strictObject({
      name: z.string(),
      operator: z.string(),
      reason: z.string(),
      wayOut: z.string().nullable(),
    }),
  ),
  parameters: count.nullable().describe('trained numbers; null where something is unsupported'),
  multiplicativeDepth: count.nullable().describe('levels; null where something is unsupported'),
  estimate: z
    .strictObject({
      ringDegree: count,
      logQP: z.number(),
      levels: count,
      securityBits: z.number(),
      precisionBits: z.number(),
      keyBytes: bytes,
      peakCiphertextBytes: bytes,
      modelledSeconds: z.number().nonnegative().nullable(),
    })
    .nullable()
    .describe('of a plan for one image, on synthetic inputs; null where there is none'),
  infeasible: z
    .strictObject({
      code: z.string(),
      message: z.string(),
      node: z.string().nullable(),
      hint: z.string().nullable(),
    })
    .nullable()
    .describe('why there is no plan although every operator is known; exit status 4'),
  labels: z.array(z.string()).nullable().describe('names of the classes'),
  warnings,
}) satisfies z.ZodType<Inspection>;

export default defineJsonSchema({
  name: 'inspect',
  title: 'Output of inspect --json: what a model holds and what of it can be compiled.',
  schema,
});
