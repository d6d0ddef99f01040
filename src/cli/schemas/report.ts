import { z } from 'zod';
import type { Report } from '../../backend/report/build-report.ts';
import { defineJsonSchema } from './define-json-schema.ts';
import {
  approximation,
  batch,
  bytes,
  count,
  operations,
  planHash,
  reportParameters,
  warning,
} from './fields.ts';

/** Predicted memory of the native evaluator. */
export const nativeMemory = z
  .strictObject({
    keyBytes: bytes.describe('expanded keys'),
    plaintextBytes: bytes.describe('encoded constants, all kept'),
    workingBytes: bytes.describe('values of one execution, on one thread'),
    planBytes: bytes.describe('products of linear maps'),
    requestBytes: bytes.describe('ciphertexts of a request, twice'),
    processBytes: bytes.describe('the same for any plan'),
  })
  .describe('predicted for the native evaluator');

const seconds = z.strictObject({
  run: z.number().nonnegative().describe('one execution'),
  first: z.number().nonnegative().describe('the first of a session: keys and constants are made'),
});

/** Modelled time on each evaluator. */
export const evaluatorSeconds = z
  .strictObject({
    native: seconds,
    seal: seconds.nullable().describe('null where SEAL cannot run the plan'),
  })
  .describe('modelled, on one thread');

/** Also what `compile --json` begins with. */
const degreeCandidate = z.strictObject({
  degrees: z.array(z.int().positive()),
  seconds: z
    .number()
    .nonnegative()
    .describe('modelled: of the plan where it was compiled, else estimated'),
  compiled: z.boolean().describe('whether the combination was compiled for its price'),
  levels: z.int().nonnegative(),
  ringDegree: z.int().positive().nullable(),
  loss: z.number().nonnegative().describe('in the unit of the budget'),
});

export const reportFields = {
  format: z.literal(1),
  producer: z.string().describe('program and version that wrote the plan'),
  name: z.string().describe('name of the model'),
  planHash,
  objective: z.enum(['latency', 'throughput']),
  target: z.enum(['portable', 'native']),
  batch,
  parameters: reportParameters,
  precisionBits: z.number().describe('predicted, of the worst output'),
  keyBytes: bytes.describe('size of evaluation.keys: seeded, trimmed'),
  rotationKeys: count,
  inputCiphertextBytes: bytes.describe('of one execution'),
  outputCiphertextBytes: bytes.describe('of one execution'),
  peakCiphertextBytes: bytes.describe('predicted peak of the ciphertexts one execution holds'),
  nativeMemory,
  modelledSeconds: z
    .number()
    .nonnegative()
    .describe('of one execution on the evaluator of the target, under the committed cost profile'),
  evaluatorSeconds,
  operations,
  ranges: z.array(
    z.strictObject({
      node: z.string().nullable(),
      op: z.string(),
      lo: z.number(),
      hi: z.number(),
      source: z
        .enum(['declared', 'proved', 'calibrated'])
        .describe('calibrated ranges come from data, not from a proof'),
    }),
  ),
  approximations: z.array(approximation),
  approximationError: z
    .array(
      z.strictObject({
        output: z.string(),
        worst: z.number().nonnegative().describe('largest difference of an element'),
        rms: z.number().nonnegative(),
      }),
    )
    .describe(
      'difference that the polynomials make at each output on the calibration data, before the postprocessing',
    ),
  jointChoice: z
    .strictObject({
      budget: z.strictObject({
        kind: z.enum(['points', 'kl']),
        value: z.number().nonnegative(),
      }),
      images: z.int().positive().describe('calibration images that losses were measured on'),
      fittedImages: z.int().positive().describe('those of them that polynomials were fitted to'),
      synthetic: z.boolean(),
      nodes: z.array(z.string().nullable()).describe('the activations, in the order of degrees'),
      chosen: degreeCandidate,
      reaches: z.array(
        z.strictObject({
          margin: z.number().describe('how far a fit reaches, over the largest argument seen'),
          tail: z.number().describe('its share of weight that is spread over all of that'),
        }),
      ),
      uniform: degreeCandidate
        .nullable()
        .describe('the cheapest of one degree throughout that meets the budget'),
      exhaustive: z.boolean().describe('every cheaper combination was measured or ruled out'),
      measured: z.int().nonnegative(),
      candidates: z.array(degreeCandidate).describe('about as dear as the chosen one'),
    })
    .nullable()
    .describe('degrees of all activations chosen together; null without --accuracy-budget'),
  keyBudget: z
    .strictObject({
      budgetBytes: z.number().nonnegative(),
      unlimitedKeyBytes: z.number().nonnegative().describe('with a key for every rotation'),
      unlimitedRotationKeys: z.int().nonnegative(),
      composedRotations: z.int().nonnegative().describe('rotations that are made of others'),
      slowdown: z
        .number()
        .nonnegative()
        .nullable()
        .describe('modelled time over that with a key for every rotation'),
    })
    .nullable()
    .describe('what --max-key-bytes costs; null without it, and where all keys fit'),
  choices: z.array(
    z.strictObject({
      kind: z.literal('choice'),
      node: z.string().nullable(),
      chosen: z.string(),
      candidates: z
        .array(
          z.strictObject({
            name: z.string(),
            seconds: z.number().nonnegative().describe('modelled'),
            ciphertexts: z.int().positive(),
            rotations: z.int().nonnegative(),
            diagonals: z.int().nonnegative().describe('plaintext products'),
          }),
        )
        .describe('cheapest first; an input costs its upload and the linear map that reads it'),
    }),
  ),
  warnings: z.array(warning),
};

const schema = z.strictObject(reportFields) satisfies z.ZodType<Report>;

export default defineJsonSchema({
  name: 'report',
  title: 'report.json: what the compiler found and decided.',
  schema,
});
