/** Options of a compilation, with their defaults: what `compile` and the command line share. */
import { z } from 'zod';
import { optimisationNames } from './optimisations.ts';
import { signPrecisions } from './polynomial/write-composite.ts';

/** How the images of an execution share its ciphertexts; `packing` of the options. */
export const packings = ['auto', 'image', 'interleaved', 'feature-major'] as const;

/** How linear maps add up their products; `linearMethod` of the options. */
export const linearMethods = ['auto', 'diagonals', 'rotate-and-sum'] as const;

/** What replaces MaxPool: an average, or a tournament of maxima by polynomials. */
export const maxPools = ['average', 'polynomial'] as const;

/** A bound of what polynomials change: points of top-1 agreement, or KL divergence to the clear logits in nats. */
const accuracyBudget = z.strictObject({
  kind: z.enum(['points', 'kl']),
  value: z.number().nonnegative(),
});

export type AccuracyBudget = z.infer<typeof accuracyBudget>;

export const compileOptionsSchema = z.strictObject({
  objective: z
    .enum(['latency', 'throughput'])
    .default('latency')
    .describe('what the plan is chosen for'),
  batch: z
    .int()
    .min(1)
    .max(65536)
    .nullable()
    .default(null)
    .describe('images that are there together; an execution holds all or a part'),
  target: z.enum(['portable', 'native']).default('portable').describe('evaluators the plan is for'),
  security: z
    .union([z.literal(128), z.literal(192), z.literal(256)])
    .default(128)
    .describe('bits of security, by the 2024 guidelines'),
  ringDegree: z.int().nullable().default(null).describe('ring degree N, a power of two'),
  primeBits: z
    .array(z.int())
    .readonly()
    .nullable()
    .default(null)
    .describe('bits of each prime: data primes from q_0 on, then the special prime'),
  insecure: z
    .boolean()
    .default(false)
    .describe('allow parameters below 128 bits; stamps every artefact'),
  precisionBits: z
    .number()
    .min(1)
    .max(40)
    .default(12)
    .describe('bits of precision the outputs must have'),
  activationDegree: z
    .int()
    .min(1)
    .max(31)
    .default(4)
    .describe('degree of approximated activations'),
  activationFit: z
    .enum(['least-squares', 'minimax', 'composite-sign'])
    .default('least-squares')
    .describe(
      'what approximated activations minimise: the mean or the largest error; or a composition near the sign',
    ),
  signPrecision: z
    .literal(signPrecisions)
    .default(8)
    .describe('of a composite sign: arguments beyond 2^-N of the largest have the right sign'),
  accuracyBudget: accuracyBudget
    .nullable()
    .default(null)
    .describe('what activations may cost of the answers; their degrees are chosen for it'),
  inputRangeGiven: z
    .boolean()
    .default(false)
    .describe('the ranges of the inputs were stated, not assumed'),
  maxPool: z.enum(maxPools).nullable().default(null).describe('what replaces MaxPool'),
  requireRangeProof: z.boolean().default(false).describe('refuse ranges that are only calibrated'),
  maxKeyBytes: z
    .int()
    .positive()
    .nullable()
    .default(null)
    .describe('budget of the evaluation keys sent'),
  packing: z
    .enum(packings)
    .default('auto')
    .describe('how the images of an execution share its ciphertexts'),
  linearMethod: z
    .enum(linearMethods)
    .default('auto')
    .describe('how linear maps add up their products'),
  disable: z
    .array(z.enum(optimisationNames))
    .readonly()
    .default([])
    .describe('optimisations that are left out'),
  maxMemoryBytes: z
    .int()
    .positive()
    .nullable()
    .default(null)
    .describe('budget of the evaluator; without it, what the profile counts on'),
});

export type CompileOptions = z.infer<typeof compileOptionsSchema>;
