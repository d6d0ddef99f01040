/**
 * The way through the compiler, from an imported nn program to a ckks program.
 *
 *   nn       fold-constants … calibrate-ranges → approximate-activations → predict-escapes → fold-polynomials → fuse-linear
 *   packed   choose-packing → lower-linear
 *   ckks     lower-packed → place-rescales → place-relins → budget-levels → choose-parameters
 *            → match-scales → check-ranges → compose-rotations → hoist-rotations → schedule → estimate-noise → choose-rotations
 *
 * The nn passes up to fold-polynomials run once, the others once for rescales that are shared and once
 * for those that are not. The rest is tried at each ring degree, smallest first, until precision, ranges
 * and security hold together.
 */
import { CipherloomError, InternalError } from '../errors.ts';
import type { Warning } from '../errors.ts';
import { degreeOf } from '../ir/polynomial.ts';
import { methodSchema } from '../ir/packed/linear.ts';
import { constantOf, operationOf } from '../ir/program.ts';
import type { Program } from '../ir/program.ts';
import { magnitude } from '../ir/types.ts';
import { verify } from '../ir/verify.ts';
import { largestRingDegree, ringDegrees } from '../layout/security.ts';
import { figureOf } from './define-pass.ts';
import type { Pass, PassContext, PassNote } from './define-pass.ts';
import { passes } from './index.ts';
import { isEnabled } from './optimisations.ts';
import type { CompileOptions } from './options.ts';
import { depthOf, highestLevel, levelsBelow, levelsOf } from './packing/depth.ts';
import { levelCountsOf } from './packing/level-counts.ts';
import { fittingSharedBits, fittingWaterlineBits, reachablePrecisionBits } from './params/chain.ts';
import { sharedLevels } from './params/shared-rescales.ts';
import { keySwitchesOf, specialPrimeCosts, specialPrimeCounts } from './params/special-primes.ts';
import type { WorkBudget } from './work-budget.ts';

export interface PipelineRequest {
  readonly options: CompileOptions;
  readonly calibration: PassContext['calibration'];
  readonly warn: (warning: Warning) => void;
  /** Called after every pass of the attempt at hand. */
  readonly afterPass?: (pass: Pass, program: Program, index: number) => void;
  /** Name of the last pass to run. */
  readonly stopAfter?: string | undefined;
  /** Verify the program after every pass. */
  readonly verifyEach?: boolean;
  /** What the passes may do; without limit where absent. */
  readonly work?: WorkBudget | undefined;
  /** Modelled seconds of an execution of a ckks program; absent: no pass can price plans. */
  readonly planSeconds?: (program: Program) => number;
  /** The same, for those that compare whole plans once they are made. */
  readonly programSeconds?: (program: Program) => number;
}

export interface PipelineResult {
  readonly program: Program;
  readonly ringDegree: number;
  /** Facts by pass, of the nn passes and of the attempt that succeeded. */
  readonly notes: ReadonlyMap<string, readonly PassNote[]>;
}

/** Errors that a larger ring degree may cure. */
const curable = new Set(['PRECISION_UNREACHABLE', 'PARAMETERS_INFEASIBLE', 'RANGE_TOO_LARGE']);

/** Errors of a program that no ring degree has room for. */
const unfit = new Set([...curable, 'LEVELS_EXHAUSTED']);

/** Bits of headroom beyond which no waterline is left under the largest prime. */
const maxHeadroomBits = 16;

/** The program that the packed passes start from, by whether products share rescales. */
type Lowering = (shareRescales: boolean) => {
  readonly program: Program;
  readonly notes: ReadonlyMap<string, PassNote[]>;
};

/** Run the passes on an imported program. Throws what the passes throw. */
export function runPipeline(program: Program, request: PipelineRequest): PipelineResult {
  const lowering = nnLowering(
    passes.filter((pass) => pass.phase === 'nn'),
    program,
    request,
  );
  if (passes.some(({ phase, name }) => phase === 'nn' && name === request.stopAfter)) {
    return { ...lowering(false), ringDegree: 0 };
  }
  return runAtSmallestRing(lowering, request);
}

/** Run nn passes: those that depend on how products are rescaled when it is known, once for each way. */
function nnLowering(list: readonly Pass[], program: Program, request: PipelineRequest): Lowering {
  const fold = list.findIndex(({ name }) => name === 'fold-polynomials');
  const first = fold < 0 ? list : list.slice(0, fold);
  const firstNotes = new Map<string, PassNote[]>();
  const before = runPasses(first, program, request, { ringDegree: 0 }, firstNotes);
  if (fold < 0 || first.some(({ name }) => name === request.stopAfter)) {
    return () => ({ program: before, notes: firstNotes });
  }
  const lowered = [false, true].map((shareRescales) =>
    memoised(() => {
      const shown: Parameters<NonNullable<PipelineRequest['afterPass']>>[] = [];
      const afterPass = (...each: (typeof shown)[number]): void => void shown.push(each);
      const notes = new Map(firstNotes);
      const attempt = { ringDegree: 0, shareRescales };
      const result = runPasses(list.slice(fold), before, { ...request, afterPass }, attempt, notes);
      return { program: result, notes, shown };
    }),
  );
  let last: boolean | null = null;
  return (shareRescales) => {
    const result = lowered[Number(shareRescales)]?.();
    if (result === undefined) throw new InternalError('rescales are shared or not');
    // What is shown last is what the attempt at hand starts from.
    if (last !== shareRescales) for (const each of result.shown) request.afterPass?.(...each);
    last = shareRescales;
    return result;
  };
}

function memoised<T>(make: () => T): () => T {
  let made: { readonly value: T } | null = null;
  return () => (made ??= { value: make() }).value;
}

/** The packed and ckks passes, at the first ring degree where all holds. */
function runAtSmallestRing(lowering: Lowering, request: PipelineRequest): PipelineResult {
  const { program: lowered } = lowering(false);
  const attempts = candidateRingDegrees(lowered, request.options).flatMap((ringDegree) =>
    outputLevels(lowered, request.options).flatMap((outputLevel) =>
      sharings(lowered, ringDegree, request.options).map((shareRescales) => ({
        ringDegree,
        outputLevel,
        shareRescales,
      })),
    ),
  );
  let failure: CipherloomError | null = null;
  for (const attempt of attempts) {
    try {
      const { program, notes } = lowering(attempt.shareRescales);
      return runAtRingDegree(program, request, attempt, notes);
    } catch (error) {
      if (!(error instanceof CipherloomError) || !curable.has(error.code)) throw error;
      failure = error;
    }
  }
  throw failure ?? new InternalError('no ring degree was tried');
}

/** What a pass may ask for the price of a plan: null where a program fits no ring. */
function planPricer(
  after: Pass,
  { planSeconds, ...request }: PipelineRequest,
): PassContext['pricePlan'] {
  if (planSeconds === undefined) return undefined;
  const rest = passes
    .slice(passes.indexOf(after) + 1)
    .filter((pass) => pass.phase === 'nn' && pass.notesOnly !== true);
  const { calibration } = request;
  // Prices are compared with each other: keys are chosen once.
  const options = { ...request.options, maxKeyBytes: null };
  return (program, work = request.work) => {
    const quiet: PipelineRequest = { options, calibration, work, warn: () => undefined };
    try {
      const result = runAtSmallestRing(nnLowering(rest, program, quiet), quiet);
      return {
        seconds: planSeconds(result.program),
        ringDegree: result.ringDegree,
        levels: highestLevel(result.program),
      };
    } catch (error) {
      if (!(error instanceof CipherloomError) || !unfit.has(error.code)) throw error;
      return null;
    }
  };
}

/**
 * The packed and ckks passes at one ring degree. Those that depend on the modulus are tried with one
 * number of special primes after another, the cheapest first, until precision and ranges hold.
 */
function runAtRingDegree(
  program: Program,
  request: PipelineRequest,
  fixed: Pick<PassContext, 'ringDegree' | 'outputLevel' | 'shareRescales'>,
  nnNotes: ReadonlyMap<string, PassNote[]>,
): PipelineResult {
  const rest = passes.filter((pass) => pass.phase !== 'nn');
  const first = rest.findIndex((pass) => pass.name === 'choose-parameters');
  const notes = new Map(nnNotes);
  const { ringDegree } = fixed;
  const packed = runPasses(rest.slice(0, first), program, request, fixed, notes);
  if (rest.slice(0, first).some((pass) => pass.name === request.stopAfter)) {
    return { program: packed, ringDegree, notes };
  }
  const list = rest.slice(first);
  const shared = sharedLevels(packed);
  const switches = keySwitchesOf(packed);
  const levels = { ...shared, levels: highestLevel(packed), shared: shared.levels.size };
  const counts = specialPrimeCounts(switches, levels, ringDegree, request.options);
  const unlimited = { ...request, options: { ...request.options, maxKeyBytes: null } };
  let failure: CipherloomError | null = null;
  for (const specialPrimes of counts) {
    try {
      const attempt = { ...fixed, specialPrimes };
      const found = new Map(notes);
      const program = runWithModulus(list, packed, unlimited, attempt, found);
      const result = { program, ringDegree, notes: found };
      const { maxKeyBytes } = request.options;
      const keyBytes = figureOf(found, 'keyBytes');
      if (maxKeyBytes === null || keyBytes === null || keyBytes <= maxKeyBytes) return result;
      const costs = specialPrimeCosts(switches, levels, ringDegree, request.options);
      return runWithinKeyBudget(list, packed, request, fixed, notes, result, costs);
    } catch (error) {
      if (!(error instanceof CipherloomError) || !curable.has(error.code)) throw error;
      failure = error;
    }
  }
  throw failure ?? new InternalError('no number of special primes was tried');
}

/**
 * The passes that depend on the modulus under a budget of keys, for every number of special primes:
 * more of them make smaller keys. The plan of the least modelled time is taken.
 *
 * Throws KEYS_TOO_LARGE with the fewest bytes that were found where none keeps to the budget.
 */
function runWithinKeyBudget(
  list: readonly Pass[],
  packed: Program,
  request: PipelineRequest,
  fixed: Pick<PassContext, 'ringDegree' | 'outputLevel' | 'shareRescales'>,
  notes: ReadonlyMap<string, PassNote[]>,
  unlimited: PipelineResult,
  costs: ReturnType<typeof specialPrimeCosts>,
): PipelineResult {
  const { ringDegree } = fixed;
  const secondsOf = request.programSeconds ?? (() => 0);
  let best: { readonly result: PipelineResult; readonly seconds: number } | null = null;
  let refusal: CipherloomError | null = null;
  const unlimitedSeconds = secondsOf(unlimited.program);
  const unlimitedPrimes = unlimited.program.modulus?.specialPrimes.length;
  const known = costs.find(({ count }) => count === unlimitedPrimes)?.seconds ?? 0;
  for (const { count: specialPrimes, seconds: own } of costs) {
    // With a key for every rotation it would already take longer.
    if (best !== null && unlimitedSeconds + own - known >= best.seconds) continue;
    const found = new Map(notes);
    try {
      const attempt = { ...fixed, specialPrimes };
      const program = runWithModulus(list, packed, request, attempt, found);
      const seconds = secondsOf(program);
      if (best === null || seconds < best.seconds) {
        best = { result: { program, ringDegree, notes: found }, seconds };
      }
    } catch (error) {
      if (!(error instanceof CipherloomError)) throw error;
      if (error.code === 'KEYS_TOO_LARGE') {
        if (refusal === null || leastKeyBytes(error) < leastKeyBytes(refusal)) refusal = error;
      } else if (!curable.has(error.code)) {
        throw error;
      }
    }
  }
  if (best === null) throw refusal ?? new InternalError('the plan without a budget was made');
  const fact: PassNote = {
    kind: 'key-budget',
    budgetBytes: request.options.maxKeyBytes ?? 0,
    unlimitedKeyBytes: figureOf(unlimited.notes, 'keyBytes') ?? 0,
    unlimitedRotationKeys: figureOf(unlimited.notes, 'rotationKeys') ?? 0,
    composedRotations: composedRotations(best.result.program),
    slowdown: unlimitedSeconds === 0 ? null : best.seconds / unlimitedSeconds,
  };
  const composed = best.result.notes.get('compose-rotations') ?? [];
  return {
    ...best.result,
    notes: new Map(best.result.notes).set('compose-rotations', [...composed, fact]),
  };
}

/** Rotations of linear maps that have no key of their own. */
function composedRotations({ operations }: Program): number {
  return operations.reduce((sum, { op, attributes }) => {
    if (op !== 'ckks.linear') return sum;
    const { compositions } = methodSchema.parse(attributes['method']);
    if (compositions === undefined) return sum;
    return sum + Object.values(compositions).reduce((all, list) => all + list.length, 0);
  }, 0);
}

/** The bytes of keys that a refusal names. */
function leastKeyBytes({ details }: CipherloomError): number {
  const { keyBytes } = details;
  return typeof keyBytes === 'number' ? keyBytes : Infinity;
}

/**
 * The passes that depend on the modulus; again with a larger q_0, which lowers the waterline at worst,
 * where a value does not fit level 0.
 */
function runWithModulus(
  list: readonly Pass[],
  packed: Program,
  request: PipelineRequest,
  fixed: Pick<PassContext, 'ringDegree' | 'outputLevel' | 'shareRescales' | 'specialPrimes'>,
  notes: Map<string, PassNote[]>,
): Program {
  let headroomBits = 0;
  for (;;) {
    try {
      return runPasses(list, packed, request, { ...fixed, headroomBits }, notes);
    } catch (error) {
      const missing = missingBits(error);
      if (missing === 0 || request.options.primeBits !== null) throw error;
      headroomBits += missing;
      if (headroomBits > maxHeadroomBits) throw error;
    }
  }
}

/**
 * Whether products share a rescale with the linear maps behind them, in the order in which it is tried.
 *
 * Shared first: every value is at a lower level then, or at the same one, so that every operation takes
 * less time. It needs primes that hold the waterline and the weights, and loses where those are too short.
 */
function sharings(
  program: Program,
  ringDegree: number,
  options: CompileOptions,
): readonly boolean[] {
  if (options.primeBits !== null || !isEnabled(options, 'share-rescales')) return [false];
  const shared = levelCountsOf(program, options, true);
  const specials = options.target === 'native' ? [1, 2, 3] : [1];
  const fits = specials.some((n) => fittingSharedBits(shared, ringDegree, options, 0, n) > 0);
  if (shared.shared === 0 || !fits) return [false];
  const alone = fittingWaterlineBits(depthOf(program), ringDegree, options) > 0;
  return alone || options.ringDegree !== null ? [true, false] : [true];
}

/** The magnitude of an output beyond which q_0 leaves it too coarse a scale. */
const largeOutput = 2 ** 8;

/**
 * Levels at which the outputs may be left, in the order in which they are tried.
 *
 * At level 0 the scale of an output is what its range leaves of q_0; at level 1 it is the waterline,
 * for one prime more. A large proved range goes there first: what is seen stays far below a proof, and
 * would be lost in the rounding.
 */
function outputLevels(program: Program, { primeBits }: CompileOptions): readonly number[] {
  const ranges = program.outputs.map(({ value }) => operationOf(program, value).type.range);
  const large = ranges.filter((range) => magnitude(range) > largeOutput);
  if (large.length === 0 || primeBits !== null) return [0];
  return large.some((range) => range?.source !== 'calibrated') ? [1, 0] : [0, 1];
}

/** Whole bits that the modulus lacks for the range of a value; 0 for other errors. */
function missingBits(error: unknown): number {
  if (!(error instanceof CipherloomError) || error.code !== 'RANGE_TOO_LARGE') return 0;
  const { missingBits: bits } = error.details;
  return typeof bits === 'number' && Number.isFinite(bits) ? Math.ceil(bits) : 0;
}

function runPasses(
  list: readonly Pass[],
  program: Program,
  request: PipelineRequest,
  attempt: Pick<
    PassContext,
    'ringDegree' | 'headroomBits' | 'outputLevel' | 'shareRescales' | 'specialPrimes'
  >,
  notes: Map<string, PassNote[]>,
): Program {
  let current = program;
  for (const pass of list) {
    const facts: PassNote[] = [];
    const pricePlan = pass.phase === 'nn' ? planPricer(pass, request) : undefined;
    const context: PassContext = {
      ...attempt,
      options: request.options,
      calibration: request.calibration,
      work: request.work,
      notes,
      warn: request.warn,
      note: (fact) => facts.push(fact),
      ...(pricePlan === undefined ? {} : { pricePlan }),
    };
    current = pass.run(current, context);
    notes.set(pass.name, facts);
    if (request.verifyEach === true) verify(current);
    request.afterPass?.(pass, current, passes.indexOf(pass));
    if (pass.name === request.stopAfter) break;
  }
  return current;
}

/** Ring degrees that have room for the depth of a program, ascending. Throws LEVELS_EXHAUSTED and others. */
export function candidateRingDegrees(program: Program, options: CompileOptions): number[] {
  const { ringDegree } = options;
  if (ringDegree !== null) {
    if (!ringDegrees.includes(ringDegree) || ringDegree > largestRingDegree || ringDegree < 4096) {
      throw new CipherloomError(
        'PARAMETERS_INVALID',
        `--ring-degree ${ringDegree}: a power of two from 4096 to ${largestRingDegree}`,
        {
          phase: 'ckks',
          details: {
            ringDegree,
            allowed: ringDegrees.filter((n) => n >= 4096 && n <= largestRingDegree),
          },
          hint: 'without --ring-degree, the compiler chooses the smallest that suffices',
        },
      );
    }
    return [ringDegree];
  }
  const depth = depthOf(program);
  const all = ringDegrees.filter((n) => n >= 4096 && n <= largestRingDegree);
  if (options.primeBits !== null) return all;
  const fitting = all.filter(
    (n) =>
      (fittingWaterlineBits(depth, n, options) > 0 ||
        sharings(program, n, options).includes(true)) &&
      n / 2 >= (options.batch ?? 1),
  );
  if (fitting.length > 0) return fitting;
  // A single level would not fit either: it is the precision that no scale reaches.
  const best = reachablePrecisionBits(4096);
  if (options.precisionBits > best) {
    throw new CipherloomError(
      'PRECISION_UNREACHABLE',
      `${options.precisionBits} bits of precision need a larger scale than primes below 2^50 allow; at most about ${best} can be had`,
      {
        phase: 'ckks',
        details: { wanted: options.precisionBits, reachable: best },
        hint: `--precision-bits ${best} or less`,
      },
    );
  }
  return levelsExhausted(program, depth, options);
}

function levelsExhausted(program: Program, depth: number, options: CompileOptions): never {
  let available = depth;
  while (available > 0 && fittingWaterlineBits(available, largestRingDegree, options) === 0)
    available--;
  const below = levelsBelow(program);
  // The first operation from the outputs up whose operands would stand above the available levels.
  const node =
    program.operations.findLast((_, id) => (below[id] ?? 0) >= available)?.location ?? undefined;
  const layers = program.operations.flatMap((operation, id) => {
    const levels = levelsOf(program, operation);
    const { op, location } = operation;
    return levels === 0 ? [] : [{ node: location, op, levels, levelsBehind: below[id] ?? 0 }];
  });
  const cheaper = cheaperDegree(program, available, options);
  throw new CipherloomError(
    'LEVELS_EXHAUSTED',
    [
      `the model needs ${depth} levels; the largest ring, N = ${largestRingDegree}, has ${available} at ${options.security} bits of security`,
      'layer by layer, the levels each takes and those needed behind it:',
      ...layers.map(
        (layer) => `  ${layer.node ?? layer.op}: ${layer.levels}, then ${layer.levelsBehind}`,
      ),
    ].join('\n'),
    {
      phase: 'ckks',
      node,
      details: {
        levelsNeeded: depth,
        levelsAvailable: available,
        ringDegree: largestRingDegree,
        security: options.security,
        layers,
      },
      hint:
        cheaper === null
          ? 'train a network with fewer layers, or with fewer activations: each costs a level at least'
          : `--activation-degree ${cheaper.degree} needs about ${cheaper.levels} levels`,
    },
  );
}

/** The largest activation degree with which a program would fit, by a rough count; null for none. */
function cheaperDegree(
  program: Program,
  available: number,
  { activationDegree }: CompileOptions,
): { readonly degree: number; readonly levels: number } | null {
  for (let degree = activationDegree - 1; degree >= 2; degree--) {
    const levels = depthOf(program, (operation) => {
      const coefficients = operation.attributes['coefficients'];
      if (typeof coefficients !== 'string') return levelsOf(program, operation);
      const own = degreeOf(constantOf(program.constants, coefficients));
      return own === activationDegree ? Math.ceil(Math.log2(degree)) : levelsOf(program, operation);
    });
    if (levels <= available) return { degree, levels };
  }
  return null;
}
