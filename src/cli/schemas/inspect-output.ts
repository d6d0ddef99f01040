import { z } from 'zod';
import type { Inspection } from '../../inspect.ts';
import { defineJsonSchema } from './define-json-schema.ts';
import { exitStatus } from '../../errors.ts';
import { batch, bytes, count, operations, range, shape, warnings } from './fields.ts';
import { evaluatorSeconds, nativeMemory, reportFields } from './report.ts';

const tensor = { name: z.string(), shape };
const node = z.strictObject({ name: z.string(), operator: z.string() });

const schema = z.strictObject({
  file: z.string(),
  name: z.string(),
  verdict: z
    .enum(['works', 'works-with-flags', 'may-work', 'does-not-work'])
    .describe('with-flags: those of needs; may: data or size decide; exit status 4 if it does not'),
  inputs: z.array(z.strictObject({ ...tensor, range })),
  outputs: z.array(z.strictObject(tensor)),
  nodes: z.array(node).describe('nodes the outputs depend on, in execution order'),
  operators: z.record(z.string(), z.int().positive()).describe('how often each operator occurs'),
  supported: z.boolean().describe('whether every node can be compiled'),
  unsupported: z.array(
    z.strictObject({
      name: z.string(),
      operator: z.string(),
      reason: z.string(),
      wayOut: z.string().nullable(),
    }),
  ),
  needs: z
    .array(
      z.strictObject({
        flag: z.string().describe('as typed; X.npy is a file of yours'),
        nodes: z.array(node).describe('that ask for it; none where the whole model does'),
        reason: z.string(),
        edit: z.string().nullable().describe('of the model, in its place'),
      }),
    )
    .describe('what compile has to be given besides the options given here'),
  parameters: count.nullable().describe('trained numbers; null where something is unsupported'),
  multiplicativeDepth: count.nullable().describe('levels; null where they are not known'),
  layers: z
    .array(
      z.strictObject({
        ...node.shape,
        degree: count.nullable().describe('of the polynomial it is evaluated as'),
        levels: count,
        total: count.describe('levels from the inputs to its result'),
      }),
    )
    .describe('that use levels, along the deepest path'),
  levelsAvailable: count.nullable().describe('in the largest ring, where the model needs more'),
  estimate: z
    .strictObject({
      batch,
      ringDegree: count,
      logQP: z.number(),
      levels: count,
      securityBits: z.number(),
      precisionBits: z.number(),
      rotationKeys: count,
      keyBudget: reportFields.keyBudget,
      keyBytes: bytes,
      residentKeyBytes: bytes.describe("expanded keys in the server's memory"),
      inputCiphertextBytes: bytes.describe('of one execution'),
      outputCiphertextBytes: bytes.describe('of one execution'),
      peakCiphertextBytes: bytes,
      nativeMemory,
      operations,
      modelledSeconds: z.number().nonnegative().nullable().describe('of one execution'),
      evaluator: z.string().describe('of the modelled seconds'),
      evaluatorSeconds,
      synthetic: z.boolean().describe('on synthetic inputs instead of calibration data'),
      fullOutputs: z
        .array(z.string())
        .describe(
          'outputs with an element in every slot, where ranges are calibrated: what wraps shows only beyond their bounds',
        ),
    })
    .nullable()
    .describe('what compile would report, with the needs met; null where there is no plan'),
  estimateLeftOut: z.string().nullable().describe('why there is none, where nothing is wrong'),
  infeasible: z
    .strictObject({
      code: z.string(),
      message: z.string(),
      node: z.string().nullable(),
      hint: z.string().nullable(),
      exit: z.enum(exitStatus).describe('status that compile ends with'),
    })
    .nullable()
    .describe('why there is no plan although every operator is known'),
  labels: z.array(z.string()).nullable().describe('names of the classes'),
  warnings,
}) satisfies z.ZodType<Inspection>;

export default defineJsonSchema({
  name: 'inspect',
  title: 'Output of inspect --json: whether a model works, what it costs, what to change.',
  schema,
});
