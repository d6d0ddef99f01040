/** Compile a model as far as it goes, with the flags that it turns out to need. */
import { lowerBatch, makePlan } from '../compile.ts';
import type { CompileRequest, MadePlan } from '../compile.ts';
import { CipherloomError, exitStatus } from '../errors.ts';
import type { Warning } from '../errors.ts';
import type { ImportedModel } from '../frontend/import-onnx.ts';
import { textOf } from '../ir/attribute-values.ts';
import type { Program } from '../ir/program.ts';
import { shapeOf } from '../ir/types.ts';
import { elementCount } from '../layout/layout.ts';
import { depthOf } from '../passes/packing/depth.ts';
import { productsOf, requireLayerSizes } from '../passes/linear/count-products.ts';
import { passes } from '../passes/index.ts';
import { compileOptionsSchema } from '../passes/options.ts';
import type { CompileOptions } from '../passes/options.ts';
import { candidateRingDegrees, runPipeline } from '../passes/pipeline.ts';
import { markPublicInputs } from '../passes/public/mark-public-inputs.ts';
import { randomNumbers } from '../passes/ranges/random.ts';
import { requireSamples } from '../passes/ranges/require-samples.ts';
import { limitedWork, WorkExceeded } from '../passes/work-budget.ts';
import type { WorkBudget } from '../passes/work-budget.ts';
import { deepestPath } from './layers.ts';
import type { Layer } from './layers.ts';
import { degreeOption, remedyOf } from './remedies.ts';
import type { Need } from './remedies.ts';

/** Products of a weight and a value up to which a whole plan is tried. */
const maxEstimateProducts = 2 ** 24;
/** Products beyond which levels are found on a few inputs first, before all samples are computed. */
const maxSampledProducts = 2 ** 21;
/** Products beyond which not even those are computed. */
const maxProducts = 2 ** 26.5;
const fewSamples = 2;
/**
 * Steps for a whole plan, and for its levels alone: a file of a few hundred bytes may ask for more
 * work than a user waits for. What a file holds earns it more.
 */
const planSteps = 2e9;
const levelSteps = 2e9;
const stepsPerParameter = 4e4;
const maxBytes = 2 ** 27;
/** Flags found one after the other; each of a kind once, and degrees 16, 8, 4, 2. */
const maxRemedies = 8;

export interface Attempt {
  readonly needs: readonly Need[];
  /** Whether the needs are known to suffice. */
  readonly certain: boolean;
  /** The plan with those needs; null where there is none. */
  readonly plan: MadePlan | null;
  readonly options: CompileOptions;
  readonly warnings: readonly Warning[];
  readonly depth: number | null;
  readonly layers: readonly Layer[];
  /** Why there is no plan, although no error was met. */
  readonly leftOut: string | null;
  readonly error: CipherloomError | null;
  /** What to say instead of the hint of the error. */
  readonly hint: string | null;
}

/** What a compilation got to before it ended. */
interface Trace {
  /** Name of the last pass that ended. */
  pass: string | null;
  levels: Levels;
}

interface Budgets {
  readonly plan: WorkBudget;
  readonly levels: WorkBudget;
}

/** Where the levels go; the program itself, whose matrices fill gigabytes, is not kept. */
type Levels = Pick<Attempt, 'depth' | 'layers'>;

/**
 * Compile a model; where an error has a remedy, note it and go on with it.
 *
 * Bounded by work: at most `maxRemedies` compilations within one budget, of models of at most
 * `maxEstimateProducts`.
 */
export async function attemptPlan(
  imported: ImportedModel,
  request: CompileRequest,
  operators: ReadonlyMap<string, string>,
): Promise<Attempt> {
  const { program } = imported;
  const parameters = [...program.constants.values()].reduce(
    (sum, { data }) => sum + data.length,
    0,
  );
  const earned = stepsPerParameter * parameters;
  const budgets: Budgets = {
    plan: limitedWork({ steps: planSteps + earned, bytes: maxBytes + 2 ** 9 * parameters }),
    levels: limitedWork({ steps: levelSteps + earned, bytes: maxBytes + 2 ** 9 * parameters }),
  };
  const needs: Need[] = [];
  // Levels at the degree that was asked for, where a smaller degree was tried.
  let exhausted: { error: CipherloomError; levels: Levels; degree: number } | null = null;
  let given: Partial<CompileOptions> = { ...request.options };
  for (;;) {
    const trace: Trace = { pass: null, levels: { depth: null, layers: [] } };
    const options = compileOptionsSchema.parse({
      ...given,
      ...(request.inputRanges === undefined ? {} : { inputRangeGiven: true }),
    });
    let result: Pick<Attempt, 'plan' | 'warnings' | 'leftOut'> | null = null;
    let failure: CipherloomError | null = null;
    try {
      result = await compileOnce(
        imported,
        { ...request, options: given },
        options,
        operators,
        trace,
        budgets,
      );
    } catch (error) {
      if (!(error instanceof CipherloomError) || !findings.has(error.exit)) throw error;
      failure = error;
    }
    const remedy =
      failure === null || needs.length === maxRemedies
        ? null
        : remedyOf({
            error: failure,
            pass: passes[passes.findIndex(({ name }) => name === trace.pass) + 1]?.name ?? null,
            program,
            options,
            calibrated: (request.calibration ?? null) !== null,
            operators,
          });
    if (failure?.code === 'LEVELS_EXHAUSTED') {
      exhausted ??= { error: failure, levels: trace.levels, degree: options.activationDegree };
    }
    if (remedy !== null) addNeed(needs, remedy.need);
    if (remedy?.certain === true) {
      given = { ...given, ...remedy.options };
      continue;
    }
    const hopeless = failure?.code === 'LEVELS_EXHAUSTED' ? exhausted : null;
    return {
      needs: hopeless === null ? needs : needs.filter(({ flag }) => !flag.startsWith(degreeOption)),
      certain: remedy === null,
      plan: result?.plan ?? null,
      options,
      warnings: result?.warnings ?? imported.warnings,
      ...(hopeless?.levels ?? trace.levels),
      leftOut: result?.leftOut ?? null,
      error: hopeless?.error ?? failure,
      hint: hopeless === null ? null : hopelessHint(failure, hopeless.degree, options),
    };
  }
}

/** What to do where no degree makes a model shallow enough. */
function hopelessHint(
  last: CipherloomError | null,
  asked: number,
  { activationDegree }: CompileOptions,
): string {
  const even =
    activationDegree < asked
      ? `even ${degreeOption} ${activationDegree} needs ${String(last?.details.levelsNeeded)}: `
      : '';
  return `${even}fewer layers, or x * x in place of activations, which costs one level; or end the model earlier and let the client decrypt and encrypt in between`;
}

/** Exit statuses of errors that say something about the model; others are faults of the file or ours. */
const findings: ReadonlySet<number> = new Set([
  exitStatus.cannotCompile,
  exitStatus.insecure,
  exitStatus.resourceLimit,
]);

/** A later need for the same option wins; its own nodes and reasons stay those of the first. */
function addNeed(needs: Need[], need: Need): void {
  const optionOf = ({ flag }: Need): string | undefined => flag.split(' ')[0];
  const known = needs.findIndex((earlier) => optionOf(earlier) === optionOf(need));
  if (known < 0) needs.push(need);
  else needs[known] = need.nodes.length > 0 ? need : { ...need, nodes: needs[known]!.nodes };
}

async function compileOnce(
  imported: ImportedModel,
  request: CompileRequest,
  options: CompileOptions,
  operators: ReadonlyMap<string, string>,
  trace: Trace,
  budgets: Budgets,
): Promise<Pick<Attempt, 'plan' | 'warnings' | 'leftOut'>> {
  const { program } = imported;
  const traced: CompileRequest = {
    ...request,
    afterPass: (pass, after, index) => {
      trace.pass = pass.name;
      if (pass.name === 'fuse-linear') {
        trace.levels = { depth: depthOf(after), layers: deepestPath(after, operators) };
      }
      request.afterPass?.(pass, after, index);
    },
  };
  requireLayerSizes(program);
  const marked = markPublicInputs(program, request.publicInputs ?? []);
  const products = productsOf(program).reduce((sum, each) => sum + each.products, 0);
  const requireFirst = (): void => {
    requireCheaply(marked, traced, options, trace, products, budgets.levels);
  };
  try {
    if (products > maxSampledProducts) requireFirst();
    if (products > maxEstimateProducts) {
      return { plan: null, warnings: imported.warnings, leftOut: tooManyProducts(products) };
    }
    const lowered = await lowerBatch(imported, traced, budgets.plan);
    return { plan: await makePlan(lowered), warnings: lowered.warnings, leftOut: null };
  } catch (error) {
    if (!(error instanceof WorkExceeded)) throw error;
    // The levels need no packing.
    if (products <= maxSampledProducts && trace.levels.depth === null) withinBudget(requireFirst);
    return { plan: null, warnings: imported.warnings, leftOut: tooMuchWork };
  }
}

/** Do something that a budget may end. */
function withinBudget(run: () => void): void {
  try {
    run();
  } catch (error) {
    if (!(error instanceof WorkExceeded)) throw error;
  }
}

/** Throw what a compilation would throw that needs few samples or none: unsupported nodes, levels. */
function requireCheaply(
  program: Program,
  request: CompileRequest,
  options: CompileOptions,
  trace: Trace,
  products: number,
  work: WorkBudget,
): void {
  const calibration = request.calibration ?? null;
  const quietly = { ...request, options, work, warn: () => undefined };
  const first = passes.findIndex(({ name }) => name === 'calibrate-ranges');
  const { program: prepared } = runPipeline(program, {
    ...quietly,
    calibration,
    stopAfter: passes[first - 1]?.name,
  });
  trace.pass = 'calibrate-ranges';
  requireSamples(prepared, { calibration, options });
  if (products > maxProducts) return;
  const { program: fused } = runPipeline(program, {
    ...quietly,
    calibration: calibration === null ? noiseInputs(program) : fewInputs(calibration),
    stopAfter: 'fuse-linear',
  });
  candidateRingDegrees(fused, options);
}

type Calibration = NonNullable<CompileRequest['calibration']>;

function fewInputs(calibration: Calibration): Calibration {
  return new Map([...calibration].map(([name, images]) => [name, images.slice(0, fewSamples)]));
}

/** Noise in the range of each input: levels hardly depend on values. */
function noiseInputs(program: Program): Calibration {
  const inputs = program.operations.filter(({ op }) => op === 'nn.input');
  return new Map(
    inputs.map((input, n) => {
      const { lo = 0, hi = 1 } = input.type.range ?? {};
      const random = randomNumbers(n + 1);
      const size = elementCount(shapeOf(input.type));
      const images = Array.from({ length: fewSamples }, () =>
        new Float64Array(size).map(() => lo + (hi - lo) * random()),
      );
      return [textOf(input, 'name'), images];
    }),
  );
}

const tooMuchWork =
  'it asks for more work than an estimate is worth, for a file of its size; compile has no such limit';

function tooManyProducts(products: number): string {
  const text = (count: number): string => `${Math.round(count / 1e6)} million`;
  return `its layers take ${text(products)} products of a weight and a value for one input; figures are estimated up to ${text(maxEstimateProducts)}`;
}
