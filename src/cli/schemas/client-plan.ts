import { z } from 'zod';
import { layoutSchema } from '../../ir/layout-schema.ts';
import type { ClientPlan } from '../../layout/client-plan.ts';
import { postprocessOps } from '../../layout/postprocess.ts';
import { defineJsonSchema } from './define-json-schema.ts';
import { batch, cryptoFields, insecure, planHash, range, securityTarget, shape } from './fields.ts';

const tensor = {
  name: z.string().min(1),
  shape: shape.describe('of one image'),
  layout: layoutSchema.describe('where the elements stand in the slots'),
  level: z.int().nonnegative().describe('the ciphertexts hold residues of the first level + 1 primes'),
  scale: z.number().min(1).describe('the double that evaluators stamp on the ciphertexts'),
};

const keyPrimes = z.int().positive().describe('data primes at the highest level of use');

const schema = z.strictObject({
  format: z.literal(1),
  producer: z.string().describe('program and version that wrote the plan'),
  name: z.string().describe('name of the model'),
  planHash,
  parameters: z.strictObject({ ...cryptoFields, securityTarget, insecure }),
  batch,
  inputs: z.array(
    z.strictObject({ ...tensor, range: range.describe('declared; other values are refused') }),
  ),
  publicInputs: z
    .array(z.strictObject({ name: tensor.name, shape: tensor.shape, range }))
    .exactOptional()
    .describe('what the server knows in the clear; clients neither send nor see it'),
  outputs: z.array(
    z.strictObject({
      ...tensor,
      bound: z.number().nonnegative().describe('largest magnitude expected of a decrypted value'),
      postprocess: z
        .array(
          z.strictObject({
            op: z.enum(postprocessOps),
            axis: z.int(),
            keepDims: z
              .boolean()
              .exactOptional()
              .describe('argMax, argMin: keep the axis with extent 1'),
            count: z
              .int()
              .positive()
              .exactOptional()
              .describe('topValues, topIndices: elements of the axis that stay'),
            smallest: z
              .boolean()
              .exactOptional()
              .describe('topValues, topIndices: the smallest ones, not the largest'),
          }),
        )
        .describe('what the client does to the decrypted values, in order'),
      labels: z.array(z.string()).exactOptional().describe('names of the classes'),
    }),
  ),
  keys: z.strictObject({
    relinearisation: z
      .strictObject({ primes: keyPrimes })
      .nullable()
      .describe('null where nothing is relinearised'),
    rotations: z.array(
      z.strictObject({ step: z.int().describe('slots to the left'), primes: keyPrimes }),
    ),
  }),
  precisionBits: z.number().describe('predicted, of the worst output'),
}) satisfies z.ZodType<ClientPlan>;

export default defineJsonSchema({
  name: 'client',
  title: 'client.json: what a client knows of a plan; it holds no weights.',
  schema,
});
