/**
 * The cheapest plan of one degree for all activations, as `--activation-degree` makes it, that loses no
 * more than a budget: what degrees chosen together are held against.
 */
import { compile, compileUntil } from '../../src/compile.ts';
import type { CompileRequest, ModelSource } from '../../src/compile.ts';
import { CipherloomError } from '../../src/errors.ts';
import { operationOf } from '../../src/ir/program.ts';
import type { Program } from '../../src/ir/program.ts';
import { shapeOf } from '../../src/ir/types.ts';
import { elementCount } from '../../src/layout/layout.ts';
import { accuracyMeasure } from '../../src/passes/joint/accuracy-measure.ts';
import { runExact, sampleInputs } from '../../src/passes/joint/network-runs.ts';
import type { SampleMatrix } from '../../src/passes/joint/sample-matrix.ts';
import type { AccuracyBudget, CompileOptions } from '../../src/passes/options.ts';
import { samplesOf } from '../../src/passes/ranges/samples.ts';

/** Ascending: a larger degree takes as many levels or more, and more products. */
const degrees = [2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 16, 20, 24, 31] as const;

export interface OneDegree {
  readonly degree: number;
  readonly fit: CompileOptions['activationFit'];
  readonly loss: number;
  /** Modelled, of the whole plan. */
  readonly seconds: number;
  readonly levels: number;
  readonly ringDegree: number;
}

/**
 * The smallest degree of least squares that meets the budget, compiled; or one of minimax where a
 * smaller one does. Null where none meets it. `tell` is told of every loss that is measured.
 */
export async function cheapestDegree(
  model: ModelSource,
  request: CompileRequest,
  budget: AccuracyBudget,
  tell: (measured: Pick<OneDegree, 'degree' | 'fit' | 'loss'>) => void = () => undefined,
): Promise<OneDegree | null> {
  const withFit = (fit: CompileOptions['activationFit'], degree: number): CompileRequest => ({
    ...request,
    options: { ...request.options, activationFit: fit, activationDegree: degree },
  });
  const { program: original } = compileUntil(model, { ...request, stopAfter: 'calibrate-ranges' });
  const { images } = samplesOf(original, { calibration: request.calibration ?? null }, Infinity);
  const inputs = sampleInputs(images.map((image) => image()));
  const outputsOf = (program: Program): readonly SampleMatrix[] =>
    runExact(program, [], inputs).outputs;
  const elements = original.outputs.map(({ value }) =>
    elementCount(shapeOf(operationOf(original, value).type)),
  );
  const measure = accuracyMeasure(budget, elements);
  const exact = outputsOf(original);
  const lossOf = (fit: CompileOptions['activationFit'], degree: number): number => {
    const until = { ...withFit(fit, degree), stopAfter: 'approximate-activations' };
    const loss = measure.loss(exact, outputsOf(compileUntil(model, until).program));
    tell({ degree, fit, loss });
    return loss;
  };
  let found: OneDegree | null = null;
  for (const degree of degrees) {
    const loss = lossOf('least-squares', degree);
    const plan = loss > budget.value ? null : await planOf(model, withFit('least-squares', degree));
    if (plan === null) continue;
    found = { degree, fit: 'least-squares', loss, ...plan };
    break;
  }
  // Downwards: a largest error falls with the degree, so that one too coarse ends it.
  for (const degree of degrees.toReversed()) {
    if (found !== null && degree >= found.degree) continue;
    const loss = lossOf('minimax', degree);
    if (loss > budget.value) break;
    const plan = await planOf(model, withFit('minimax', degree));
    if (plan !== null && (found === null || plan.seconds < found.seconds))
      found = { degree, fit: 'minimax', loss, ...plan };
  }
  return found;
}

/** What a plan costs; null where no ring has room for it. */
async function planOf(
  model: ModelSource,
  request: CompileRequest,
): Promise<Pick<OneDegree, 'seconds' | 'levels' | 'ringDegree'> | null> {
  try {
    const { report } = await compile(model, request);
    const { levels, ringDegree } = report.parameters;
    return { seconds: report.evaluatorSeconds.native.run, levels, ringDegree };
  } catch (error) {
    if (error instanceof CipherloomError && error.exit === 4) return null;
    throw error;
  }
}
