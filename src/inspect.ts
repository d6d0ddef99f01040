/** What a model is made of, whether it can be compiled, what that would cost, and what to change. */
import type { ProgramSeconds } from './backend/cost/program-seconds.ts';
import type { Report } from './backend/report/build-report.ts';
import type { NativeMemory } from './backend/native/native-memory.ts';
import type { CompileRequest, MadePlan, ModelSource } from './compile.ts';
import type { CipherloomError, ExitStatus, Warning } from './errors.ts';
import { examineModel } from './frontend/examine-model.ts';
import type { ModelExamination, UnsupportedPart } from './frontend/import-onnx.ts';
import { attemptPlan } from './inspection/attempt.ts';
import type { Attempt } from './inspection/attempt.ts';
import type { Layer } from './inspection/layers.ts';
import type { Need } from './inspection/remedies.ts';
import { numbersOf, textOf } from './ir/attribute-values.ts';
import type { OpCost } from './ir/define-op.ts';
import type { Program } from './ir/program.ts';
import { operationOf } from './ir/program.ts';
import { shapeOf } from './ir/types.ts';
import { fullOutputs } from './layout/full-outputs.ts';
import { profiles } from './passes/cost/profile.ts';

export type { Layer, Need };

export interface TensorSummary {
  readonly name: string;
  readonly shape: readonly number[];
}

/** What the plan of a model needs: the figures that `compile` reports for the same options. */
export interface PlanEstimate {
  /** Images one execution holds. */
  readonly batch: number;
  readonly ringDegree: number;
  readonly logQP: number;
  readonly levels: number;
  readonly securityBits: number;
  /** Predicted, of the worst output. */
  readonly precisionBits: number;
  readonly rotationKeys: number;
  /** What --max-key-bytes costs; null without it, and where all keys fit. */
  readonly keyBudget: Report['keyBudget'];
  /** Rotation and relinearisation keys as sent. */
  readonly keyBytes: number;
  /** The same keys expanded in the server's memory. */
  readonly residentKeyBytes: number;
  /** Of one execution. */
  readonly inputCiphertextBytes: number;
  readonly outputCiphertextBytes: number;
  readonly peakCiphertextBytes: number;
  /** Predicted for the native evaluator with one thread and all encoded constants kept. */
  readonly nativeMemory: NativeMemory;
  /** Operations on ciphertexts of one execution. */
  readonly operations: OpCost;
  /** Seconds of one execution under the committed cost profile; null where it is not known. */
  readonly modelledSeconds: number | null;
  /** The evaluator of that profile. */
  readonly evaluator: string;
  /** Modelled seconds on each evaluator. */
  readonly evaluatorSeconds: ProgramSeconds;
  /** Whether ranges and polynomials come from synthetic inputs: with real ones figures may be better. */
  readonly synthetic: boolean;
  /**
   * Outputs with an element in every slot, where ranges are calibrated: no slot that must be zero shows
   * that values wrapped.
   */
  readonly fullOutputs: readonly string[];
}

/** Why a model whose operators are all supported still has no plan. */
export interface Infeasibility {
  readonly code: string;
  readonly message: string;
  readonly node: string | null;
  readonly hint: string | null;
  /** Status that `compile` ends with. */
  readonly exit: ExitStatus;
}

/**
 * works: as it is, with the options given. works-with-flags: with those that `needs` lists.
 * may-work: the user's data decide, or the model is too large to tell. does-not-work: see
 * `unsupported` and `infeasible`.
 */
export type Verdict = 'works' | 'works-with-flags' | 'may-work' | 'does-not-work';

export interface Inspection {
  readonly name: string;
  readonly verdict: Verdict;
  readonly inputs: readonly (TensorSummary & { readonly range: readonly [number, number] })[];
  readonly outputs: readonly TensorSummary[];
  /** Nodes that the outputs depend on, in execution order. */
  readonly nodes: readonly { readonly name: string; readonly operator: string }[];
  /** How often each operator occurs. */
  readonly operators: Readonly<Record<string, number>>;
  readonly supported: boolean;
  /** Everything that cannot be compiled, with reason and way out. */
  readonly unsupported: readonly UnsupportedPart[];
  /** What `compile` has to be given besides the options given here. */
  readonly needs: readonly Need[];
  /** Trained numbers; null where the model is not supported. */
  readonly parameters: number | null;
  /** Levels that the encrypted program needs; null where they are not known. */
  readonly multiplicativeDepth: number | null;
  /** The layers on the deepest path, with what each takes of it. */
  readonly layers: readonly Layer[];
  /** Levels that the largest ring has, where the model needs more; else null. */
  readonly levelsAvailable: number | null;
  /** Figures with the needs met; null where there is no plan. */
  readonly estimate: PlanEstimate | null;
  /** Why there is no estimate although nothing speaks against a plan. */
  readonly estimateLeftOut: string | null;
  /** Null where there is an estimate, or something unsupported. */
  readonly infeasible: Infeasibility | null;
  readonly labels: readonly string[] | null;
  readonly warnings: readonly Warning[];
}

export interface InspectRequest extends Pick<
  CompileRequest,
  'options' | 'calibration' | 'inputRanges' | 'inputShapes' | 'publicInputs' | 'afterPass'
> {
  /** False: say what the operators tell, and compile nothing. */
  readonly estimate?: boolean;
}

/**
 * Say whether a model can be compiled, what its plan needs, and what to change if not.
 *
 * Compiles it without writing code, as often as flags are missing, within a budget of work that is
 * counted, not timed; models that would take more are not estimated.
 * Throws MODEL_INVALID for a malformed file; what is merely unsupported is listed, not thrown.
 */
export async function inspect(
  model: ModelSource,
  request: InspectRequest = {},
): Promise<Inspection> {
  const examined = examineModel(model, request);
  const { program } = examined;
  const operators = new Map(examined.operators.map(({ name, op }) => [name, op]));
  const attempt =
    program === null || request.estimate === false
      ? null
      : await attemptPlan({ ...examined, program }, request, operators);
  const error = attempt?.error ?? null;
  const plan = attempt?.plan ?? null;
  const refused = error?.code === 'MODEL_UNSUPPORTED' ? partsOf(error, operators) : [];
  const unsupported = [...examined.unsupported, ...(attempt?.certain === false ? [] : refused)];
  return {
    name: model.name,
    verdict: verdictOf(examined, attempt),
    inputs: program === null ? [] : inputsOf(program),
    outputs:
      program?.outputs.map(({ name, value }) => ({
        name,
        shape: shapeOf(operationOf(program, value).type),
      })) ?? [],
    nodes: examined.operators.map(({ name, op }) => ({ name, operator: op })),
    operators: countsOf(examined),
    supported: unsupported.length === 0,
    unsupported,
    needs: attempt?.needs ?? [],
    parameters:
      program === null
        ? null
        : [...program.constants.values()].reduce((sum, { data }) => sum + data.length, 0),
    multiplicativeDepth: attempt?.depth ?? null,
    layers: attempt?.layers ?? [],
    levelsAvailable: numberIn(error, 'levelsAvailable'),
    estimate: plan === null ? null : estimateOf(plan, (request.calibration ?? null) === null),
    estimateLeftOut: attempt?.leftOut ?? null,
    infeasible: error === null || unsupported.length > 0 ? null : infeasibilityOf(error, attempt),
    labels: examined.labels,
    warnings: attempt?.warnings ?? examined.warnings,
  };
}

function verdictOf({ program }: ModelExamination, attempt: Attempt | null): Verdict {
  if (program === null) return 'does-not-work';
  if (attempt === null || !attempt.certain || attempt.leftOut !== null) return 'may-work';
  if (attempt.error !== null) return 'does-not-work';
  return attempt.needs.length === 0 ? 'works' : 'works-with-flags';
}

function countsOf({ operators }: ModelExamination): Record<string, number> {
  const counts = new Map<string, number>();
  for (const { op } of operators) counts.set(op, (counts.get(op) ?? 0) + 1);
  return Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function estimateOf({ report, client, sizes }: MadePlan, synthetic: boolean): PlanEstimate {
  const { ringDegree, logQP, levels, securityBits } = report.parameters;
  return {
    batch: report.batch,
    ringDegree,
    logQP,
    levels,
    securityBits,
    precisionBits: report.precisionBits,
    rotationKeys: report.rotationKeys,
    keyBudget: report.keyBudget,
    keyBytes: report.keyBytes,
    residentKeyBytes: sizes.residentKeyBytes,
    inputCiphertextBytes: report.inputCiphertextBytes,
    outputCiphertextBytes: report.outputCiphertextBytes,
    peakCiphertextBytes: report.peakCiphertextBytes,
    nativeMemory: report.nativeMemory,
    operations: report.operations,
    modelledSeconds: report.modelledSeconds,
    evaluator: profiles[report.target === 'native' ? 'native' : 'seal'].evaluator,
    evaluatorSeconds: report.evaluatorSeconds,
    synthetic,
    fullOutputs: report.ranges.some(({ source }) => source === 'calibrated')
      ? fullOutputs(client)
      : [],
  };
}

function infeasibilityOf(error: CipherloomError, attempt: Attempt | null): Infeasibility {
  const { code, node, exit } = error;
  // What follows on further lines is among the layers.
  const [message = ''] = error.message.split('\n');
  return { code, message, node, hint: attempt?.hint ?? error.hint, exit };
}

function numberIn(error: CipherloomError | null, name: string): number | null {
  const value = error?.details[name];
  return typeof value === 'number' ? value : null;
}

/** The nodes that a pass refused, under their ONNX operators. */
function partsOf(
  error: CipherloomError,
  operators: ReadonlyMap<string, string>,
): readonly UnsupportedPart[] {
  const { nodes } = error.details;
  if (!Array.isArray(nodes)) {
    const name = error.node ?? 'model';
    const operator = operators.get(name) ?? 'model';
    return [{ name, operator, reason: error.message, wayOut: error.hint }];
  }
  return (nodes as UnsupportedPart[]).map((part) => ({
    ...part,
    operator: operators.get(part.name) ?? part.operator,
  }));
}

function inputsOf(program: Program): Inspection['inputs'] {
  return program.operations
    .filter((operation) => operation.op === 'nn.input')
    .map((operation) => {
      const [lo = 0, hi = 1] = numbersOf(operation, 'range');
      return { name: textOf(operation, 'name'), shape: shapeOf(operation.type), range: [lo, hi] };
    });
}
