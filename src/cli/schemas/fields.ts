/** Fields that several documents share. */
import { z } from 'zod';
import { errorCodes, warningIds } from '../../errors.ts';
import type { ErrorCode, Warning } from '../../errors.ts';
import type { RangeEscape } from '../../server/index.ts';
import type { Approximation, ReportParameters } from '../../backend/report/build-report.ts';

export const count = z.int().nonnegative();
export const bytes = count.describe('bytes');
export const milliseconds = z.number().nonnegative().describe('milliseconds');
export const share = z.number().min(0).max(1).describe('share of images, 0 to 1');
export const shape = z.array(z.int().positive());
export const range = z.tuple([z.number(), z.number()]).describe('least and largest value');

export const planHash = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .describe('SHA-256 of model.loom, hexadecimal');

export const batch = z.int().positive().describe('images one execution holds');

const primes = z.array(z.string().regex(/^[1-9][0-9]*$/)).describe('decimal numbers');

export const securityTarget = z
  .union([z.literal(128), z.literal(192), z.literal(256)])
  .describe('bits of security asked for');

export const insecure = z
  .boolean()
  .describe('compiled with --insecure: the parameters may be below 128 bits');

export const cryptoFields = {
  ringDegree: z.int().positive(),
  primes: primes.describe('data primes, decimal; level l uses the first l + 1'),
  specialPrimes: primes,
};

/** Parameters as `run` and `bench` print them. */
export const parameterFields = {
  ...cryptoFields,
  logQP: z.number().positive().describe('sum of log2 of all primes, special ones included'),
  securityBits: z.number().nonnegative().describe('estimated from ring degree and primes'),
  levels: count.describe('multiplicative levels: data primes less one'),
};

export const reportParameters = z.strictObject({
  ...parameterFields,
  securityTarget,
  insecure,
}) satisfies z.ZodType<ReportParameters>;

export const approximationFields = {
  node: z.string().nullable().describe('ONNX node'),
  op: z.string(),
  method: z.string(),
  degree: z.int().positive(),
  range,
};

export const approximation = z.strictObject({
  ...approximationFields,
  rmsError: z.number().nonnegative().describe('root mean square error on the calibration data'),
  maxError: z.number().nonnegative(),
  sketch: z
    .strictObject({
      density: z
        .array(z.number().min(0).max(1))
        .describe('share of the arguments seen in each of 64 intervals'),
      exact: z.array(z.number()).describe('the activation at their middles'),
      polynomial: z.array(z.number()).describe('what replaces it, there'),
    })
    .describe('both curves over the range; of the first channel, where each has its own'),
}) satisfies z.ZodType<Approximation>;

export const operations = z
  .strictObject({
    rotations: count,
    relinearisations: count,
    plainMultiplications: count,
    ciphertextMultiplications: count,
    rescales: count,
  })
  .describe('on ciphertexts, of one execution');

export const errorCode = z.enum(Object.keys(errorCodes) as [ErrorCode, ...ErrorCode[]]);

export const warning = z.strictObject({
  id: z.enum(Object.keys(warningIds) as [Warning['id'], ...Warning['id'][]]),
  message: z.string(),
  node: z.string().exactOptional(),
}) satisfies z.ZodType<Warning>;

/** What `--json` adds to the object of every command. */
export const warnings = z.array(warning);

export const outputRows = z
  .record(z.string(), z.array(z.array(z.number())))
  .describe('by name: one row-major list an image');

export const rangeEscapes = z
  .array(
    z.strictObject({
      node: z.string().describe('ONNX node of the value, or of the activation of it'),
      range,
      elements: count,
      escaped: count.describe('elements outside of the range'),
      images: count,
      escapedImages: count.describe('images that have some'),
      farthest: z
        .number()
        .nonnegative()
        .describe('largest distance from the middle of the range; 1 at its ends'),
      predicted: z
        .number()
        .min(0)
        .max(1)
        .describe('probability that an element leaves the range, by the fitted tail'),
    }) satisfies z.ZodType<RangeEscape>,
  )
  .describe('one a node');

export const precisionBits = z
  .strictObject({
    worst: z.number().nullable().describe('on the worst image'),
    mean: z.number().nullable(),
  })
  .describe('−log2(max|y − ref| / max|ref|); null where nothing differs');
