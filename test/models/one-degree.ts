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
/** A composite sign takes more levels than any of the degrees. */
const fits = [
  'least-squares',
  'minimax',
] as const satisfies readonly CompileOptions['activationFit'][];

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
 * For each fit the smallest degree that meets the budget, compiled; the cheaper of the plans, or null
 * where none meets it. `tell` is told of every loss that is measured.
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
  const found: OneDegree[] = [];
  for (const fit of fits) {
    for (const degree of degrees) {
      const own = withFit(fit, degree);
      const { program } = compileUntil(model, { ...own, stopAfter: 'approximate-activations' });
      const loss = measure.loss(exact, outputsOf(program));
      tell({ degree, fit, loss });
      if (loss > budget.value) continue;
      const plan = await planOf(model, own);
      if (plan === null) continue;
      found.push({ degree, fit, loss, ...plan });
      break;
    }
  }
  return found.toSorted((a, b) => a.seconds - b.seconds)[0] ?? null;
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
