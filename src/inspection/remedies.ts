/** What cures an error of the compiler: the flag to type, or the edit of the model. */
import type { CipherloomError } from '../errors.ts';
import { numbersOf } from '../ir/attribute-values.ts';
import type { Program } from '../ir/program.ts';
import { largestRingDegree, ringDegrees } from '../layout/security.ts';
import { compileOptionsSchema } from '../passes/options.ts';
import type { CompileOptions } from '../passes/options.ts';
import { fittingWaterlineBits } from '../passes/params/chain.ts';
import { isElementFunction } from '../passes/polynomial/element-functions.ts';

export interface NodeName {
  readonly name: string;
  /** ONNX operator. */
  readonly operator: string;
}

/** Something that `compile` has to be given. */
export interface Need {
  /** As typed, `X.npy` standing for a file of the user's. */
  readonly flag: string;
  /** The nodes that ask for it; none where the whole model does. */
  readonly nodes: readonly NodeName[];
  readonly reason: string;
  /** The edit in PyTorch that makes the flag unnecessary. */
  readonly edit: string | null;
}

export interface Remedy {
  readonly need: Need;
  readonly options: Partial<CompileOptions>;
  /** Whether it is known to help; data of the user's may or may not. */
  readonly certain: boolean;
}

/** An attempt to compile that failed. */
export interface Failure {
  readonly error: CipherloomError;
  /** Name of the pass that threw. */
  readonly pass: string | null;
  readonly program: Program;
  readonly options: CompileOptions;
  readonly calibrated: boolean;
  readonly operators: ReadonlyMap<string, string>;
}

export const degreeOption = '--activation-degree';

/** Fewer bits than these tell classes apart no more. */
const leastPrecisionBits = 4;
const { precisionBits: defaultPrecisionBits } = compileOptionsSchema.parse({});

/** The remedy of a failed attempt, or null where there is none. */
export function remedyOf(failure: Failure): Remedy | null {
  const { error, pass, options, calibrated } = failure;
  switch (error.code) {
    case 'MODEL_UNSUPPORTED':
      if (pass === 'lower-pooling' && options.maxPool === null) return averagePools(failure);
      // Synthetic inputs may leave the domain of a logarithm that real ones never leave.
      if (pass === 'approximate-activations' && !calibrated)
        return options.inputRangeGiven ? realData(failure) : calibration(failure);
      return null;
    case 'LEVELS_EXHAUSTED':
      return affordablePrecision(failure) ?? smallerDegree(failure);
    case 'PRECISION_UNREACHABLE':
    case 'RANGE_TOO_LARGE':
      return calibrated ? lessPrecision(failure) : realData(failure);
    default:
      return null;
  }
}

function averagePools(failure: Failure): Remedy {
  const kernels = failure.program.operations.flatMap((operation) =>
    operation.op === 'nn.max-pool' ? [numbersOf(operation, 'kernelShape')] : [],
  );
  const pools = new Set(kernels.map((kernel) => `Pool${kernel.length}d`));
  const sizes = new Set(
    kernels.map((kernel) =>
      new Set(kernel).size === 1 ? String(kernel[0]) : `(${kernel.join(', ')})`,
    ),
  );
  const [pool = 'Pool2d'] = pools;
  const [size = ''] = sizes;
  const alike = pools.size === 1 && sizes.size === 1;
  const average = alike ? `nn.Avg${pool}(${size})` : `nn.Avg${pool} with the same sizes`;
  return {
    need: {
      flag: '--max-pool average',
      nodes: nodesOf(failure),
      reason: 'a maximum is no polynomial; an average pool takes its place, and changes the result',
      edit: `${average} in place of nn.Max${pool}, and train again`,
    },
    options: { maxPool: 'average' },
    certain: true,
  };
}

function calibration(failure: Failure): Remedy {
  return {
    need: {
      flag: '--calibration X.npy',
      nodes: nodesOf(failure),
      reason: `a polynomial of degree ${failure.options.activationDegree} takes its place, fitted to inputs like those to come`,
      edit: 'x * x in its place costs one level and needs no data, and train again',
    },
    options: { inputRangeGiven: true },
    certain: true,
  };
}

/** The largest power of two below the present degree: degree 2^k is the largest of depth k. */
function smallerDegree({ program, options }: Failure): Remedy | null {
  const approximated = program.operations.some(isElementFunction);
  const degree = 2 ** Math.ceil(Math.log2(options.activationDegree) - 1);
  if (!approximated || degree < 2) return null;
  return {
    need: {
      flag: `${degreeOption} ${degree}`,
      nodes: [],
      reason: `at degree ${options.activationDegree} it needs more levels than there are; degree ${degree} follows the activations less closely, so check the accuracy`,
      edit: 'fewer layers, or x * x in place of activations',
    },
    options: { activationDegree: degree },
    certain: true,
  };
}

/** Fewer bits make each level cheaper: the most with which the levels fit, where more were asked than by default. */
function affordablePrecision(failure: Failure): Remedy | null {
  const { options } = failure;
  const { levelsNeeded } = failure.error.details;
  if (typeof levelsNeeded !== 'number' || options.ringDegree !== null) return null;
  for (let bits = Math.ceil(options.precisionBits) - 1; bits >= defaultPrecisionBits; bits--) {
    const wanted = { ...options, precisionBits: bits };
    const fits = ringDegrees.some(
      (n) => n <= largestRingDegree && fittingWaterlineBits(levelsNeeded, n, wanted) > 0,
    );
    if (!fits) continue;
    const reason = `${options.precisionBits} bits of precision leave no room for ${levelsNeeded} levels; with less, results are coarser`;
    return precision(reason, bits);
  }
  return null;
}

function realData({ error }: Failure): Remedy {
  return {
    need: {
      flag: '--calibration X.npy',
      nodes: [],
      reason: `on synthetic inputs ${firstLine(error.message)}; on real ones the values are often smaller`,
      edit: null,
    },
    options: {},
    certain: false,
  };
}

function lessPrecision(failure: Failure): Remedy | null {
  const { error, options } = failure;
  const { precisionBits, reachable } = error.details;
  const reached = precisionBits ?? reachable;
  if (typeof reached !== 'number' || options.primeBits !== null) return null;
  const bits = Math.floor(Math.min(reached, options.precisionBits - 1));
  return bits < leastPrecisionBits
    ? null
    : precision(`${firstLine(error.message)}; with less, results are coarser`, bits);
}

function precision(reason: string, bits: number): Remedy {
  return {
    need: {
      flag: `--precision-bits ${bits}`,
      nodes: [],
      reason,
      edit: 'BatchNormalization before activations keeps values small',
    },
    options: { precisionBits: bits },
    certain: true,
  };
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? '';
}

/** The nodes an error lists, under their ONNX operators. */
function nodesOf({ error, operators }: Failure): NodeName[] {
  const { nodes } = error.details;
  return (Array.isArray(nodes) ? (nodes as NodeName[]) : []).map(({ name, operator }) => ({
    name,
    operator: operators.get(name) ?? operator,
  }));
}
