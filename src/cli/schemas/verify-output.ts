import { z } from 'zod';
import type { LayerError, WrongLayer } from '../protocol/layers/layer-errors.ts';
import { defineJsonSchema } from './define-json-schema.ts';
import { count, planHash, precisionBits, rangeEscapes, share, warnings } from './fields.ts';

const error = z.number().nonnegative();
const of = 'root mean square, of that of the values of the layer';

/** JSON has no infinity: what has one is written as null. */
type OrNull<T> = { readonly [K in keyof T]: T[K] | null };

/** A layer whose values are all zero has null in the place of an error. */
const written = error.nullable();

const layer = z.strictObject({
  node: z.string().describe('ONNX node'),
  op: z.string().nullable(),
  elements: count,
  aligned: z
    .enum(['equal', 'scaled', 'by channel'])
    .nullable()
    .describe('how the values of the plan stand to those of the model; null: not comparable'),
  approximation: written.describe(`polynomials against activations; ${of}`),
  rangeEscape: written.describe('the same, on images that leave a range'),
  encoding: written.describe(`rounded weights and constants, simulated; ${of}`),
  noise: written.describe(`what is left of ciphertexts against the plan in the clear; ${of}`),
  measured: written.describe('encoding and noise together, on ciphertexts'),
  predicted: written.describe('the same, simulated'),
  total: written.describe('ciphertexts against the model'),
  escapedImages: count,
}) satisfies z.ZodType<OrNull<LayerError>>;

const wrongLayer = z.strictObject({
  node: z.string(),
  cause: z.enum(['approximation', 'range escape', 'encoding', 'noise']),
  error: z.number().nonnegative().nullable(),
  limit: z.number().nonnegative(),
}) satisfies z.ZodType<OrNull<WrongLayer>>;

const schema = z.strictObject({
  backend: z.enum(['native', 'seal', 'clear']),
  backendReason: z.string().describe('why this one evaluated'),
  images: count,
  reference: z.string().describe('what ran the original model'),
  agreement: share.nullable().describe('top-1 agreement with the model'),
  agreementProgram: share.nullable().describe('with the plan in the clear'),
  precisionBits: precisionBits.describe('against the model'),
  precisionBitsProgram: precisionBits.describe('against the plan in the clear'),
  worstElement: z
    .strictObject({
      output: z.string(),
      image: count,
      index: count,
      got: z.number(),
      expected: z.number(),
    })
    .nullable(),
  perImage: z.array(
    z.strictObject({
      image: count,
      precisionBits: z.number().nullable().describe('null where all is equal'),
      top: count.nullable(),
      referenceTop: count.nullable(),
      agrees: z.boolean().nullable(),
    }),
  ),
  missed: z.array(
    z.strictObject({
      name: z.string(),
      option: z.string(),
      limit: z.number(),
      figure: z.number().nullable(),
      bound: z.enum(['least', 'most']),
    }),
  ),
  layers: z.array(layer).nullable().describe('null without --layers'),
  rangeEscapes: rangeEscapes.nullable().describe('in the simulated run; null without --layers'),
  firstWrongLayer: wrongLayer.nullable(),
  planHash,
  warnings,
});

export default defineJsonSchema({
  name: 'verify',
  title: 'Output of verify --json: a plan on ciphertexts against the model it was made from.',
  schema,
});
