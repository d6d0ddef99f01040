import { z } from 'zod';
import { optimisationNames, optimisations } from '../passes/optimisations.ts';
import { linearMethods, maxPools, packings } from '../passes/options.ts';
import type { CompileOptions } from '../passes/options.ts';
import { signPrecisions } from '../passes/polynomial/write-composite.ts';
import {
  accuracyBudget,
  byteCount,
  choice,
  choices,
  flag,
  integer,
  integerChoice,
  integerList,
  namedRange,
  namedShape,
  number,
} from './option-schemas.ts';
import { usageError } from './usage-error.ts';

/** Options of the compiler itself, as `compile` and `opt` spell them; absent ones keep its defaults. */
export const compilerOptions = {
  objective: {
    value: 'WORD',
    schema: choice(['latency', 'throughput']).optional(),
    describe: 'what the plan is chosen for: latency (default) or throughput',
  },
  batch: {
    value: 'N',
    schema: integer(1, 65536).optional(),
    describe:
      'images that are there together: an execution holds all of them, or a part where that is sooner (all with --packing); default 1, or all slots for throughput',
  },
  target: {
    value: 'WORD',
    schema: choice(['portable', 'native']).optional(),
    describe:
      'evaluators the plan is for: portable, all of them (default); native, with several special primes where faster',
  },
  security: {
    value: 'BITS',
    schema: integerChoice([128, 192, 256]).optional(),
    describe: 'security by the 2024 guidelines: 128 (default), 192 or 256',
  },
  ringDegree: {
    value: 'N',
    schema: integer(1, 2 ** 20).optional(),
    describe: 'ring degree, a power of two from 4096 to 65536; default the smallest that fits',
  },
  primeBits: {
    value: 'LIST',
    schema: integerList(1, 100).optional(),
    describe:
      'bits of each prime: data primes from q_0 on, then the special prime, as in 60,40,40,60',
  },
  insecure: {
    schema: flag(),
    describe: 'allow parameters below 128 bits; every artefact is stamped and protects nothing',
  },
  precisionBits: {
    value: 'BITS',
    schema: number(1, 40).optional(),
    describe: 'bits of precision that the results must have; default 12',
  },
  activationDegree: {
    value: 'D',
    schema: integer(1, 31).optional(),
    describe: 'degree of the polynomials that stand in for activations; default 4',
  },
  activationFit: {
    value: 'FIT',
    schema: choice(['least-squares', 'minimax', 'composite-sign']).optional(),
    describe:
      'least-squares (mean error, the default), minimax (worst error), or composite-sign: ReLU, LeakyReLU and Abs by a composition near the sign, in 8 to 22 levels',
  },
  signPrecision: {
    value: 'N',
    schema: integerChoice(signPrecisions).optional(),
    describe:
      'of composite-sign: arguments beyond 2^-N of the largest have the right sign; 4 to 16, default 8',
  },
  accuracyBudget: {
    value: 'POINTS|kl:NATS',
    schema: accuracyBudget().optional(),
    describe:
      'choose the degrees of all activations together, the cheapest that cost at most so many points of top-1 agreement with the original, or so much divergence from its answers, on the calibration data',
  },
  maxPool: {
    value: 'WORD',
    schema: choice(maxPools).optional(),
    describe:
      'what replaces every MaxPool: average, or polynomial (a tournament of maxima, each an approximated activation)',
  },
  requireRangeProof: {
    schema: flag(),
    describe: 'refuse a plan whose ranges come from data instead of a proof',
  },
  maxKeyBytes: {
    value: 'BYTES',
    schema: byteCount().optional(),
    describe:
      'most bytes of evaluation keys to send, such as 64MiB; fewer keys compose rotations of others, slower',
  },
  maxMemoryBytes: {
    value: 'BYTES',
    schema: byteCount().optional(),
    describe:
      'most bytes of memory for the evaluator, such as 2GiB; without it, 12 GB where there is a choice',
  },
  packing: {
    value: 'WORD',
    schema: choice(packings).optional(),
    describe:
      'fix how images share ciphertexts: image (one an execution), interleaved (each image in every so many slots), feature-major (a ciphertext for each number, images in its slots); default the cheapest',
  },
  linearMethod: {
    value: 'WORD',
    schema: choice(linearMethods).optional(),
    describe:
      'fix how linear maps add up products: diagonals, or rotate-and-sum where a layer has room for it; default the cheapest',
  },
  disable: {
    value: 'NAME,…',
    schema: choices(optimisationNames).optional(),
    describe: `leave out optimisations, to see what each is worth; answers stay the same. ${Object.entries(
      optimisations,
    )
      .map(([name, effect]) => `${name}: ${effect}`)
      .join('. ')}`,
  },
} as const;

export type CompilerArgs = {
  readonly [K in keyof typeof compilerOptions]: unknown;
};

/** The options given, by the compiler's names. */
export function givenCompileOptions(args: CompilerArgs): Partial<CompileOptions> {
  return Object.fromEntries(
    Object.keys(compilerOptions)
      .map((name) => [name, args[name as keyof CompilerArgs]] as const)
      .filter(([, value]) => value !== undefined),
  );
}

/** `--input-shape NAME=1,3,224,224`, for inputs that the model leaves open. */
export const inputShapeOption = {
  value: 'NAME=DIMS',
  repeat: true,
  schema: namedShape().array().default([]),
  describe: 'shape of an input that the model leaves open, as in image=1,3,224,224',
} as const;

/** `--input-range LO,HI` for every input, `NAME=LO,HI` for one. */
export const inputRangeOption = {
  value: '[NAME=]LO,HI',
  repeat: true,
  schema: namedRange().array().default([]),
  describe: "range of the inputs' values; default what the model states, else 0,1",
} as const;

/** A range as it was typed: for one input, or for those that no other names. */
export type GivenRange = z.output<typeof inputRangeOption.schema>[number];

/** The ranges by input name; an unknown name stays, for the importer to refuse. */
export function rangesByName(
  given: readonly GivenRange[],
  inputs: readonly { readonly name: string }[],
): Record<string, readonly [number, number]> {
  const everywhere = given.filter(({ name }) => name === null);
  const named = given.flatMap(({ name, range }) => (name === null ? [] : [[name, range] as const]));
  const names = named.map(([name]) => name);
  const twice = everywhere.length > 1 || new Set(names).size < names.length;
  if (twice) {
    throw usageError('--input-range is given more than once for the same input', {
      option: '--input-range',
      hint: 'one LO,HI, or one NAME=LO,HI for each input',
    });
  }
  const all = everywhere.flatMap(({ range }) => inputs.map(({ name }) => [name, range] as const));
  return Object.fromEntries([...all, ...named]);
}

/** `--public-input NAME`, for tensors that the server knows. */
export const publicInputOption = {
  value: 'NAME',
  repeat: true,
  schema: z.string().min(1).array().default([]),
  describe: 'an input that the server knows in the clear; clients neither encrypt nor see it',
} as const;

export type GivenShape = z.output<typeof inputShapeOption.schema>[number];

/** The shapes by input name. */
export function shapesByName(given: readonly GivenShape[]): Record<string, readonly number[]> {
  return Object.fromEntries(given.map(({ name, shape }) => [name, shape]));
}
