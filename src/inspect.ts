/** What a model is made of, before anything is compiled. */
import { CipherloomError, exitStatus, invariant } from './errors.ts';
import type { Warning } from './errors.ts';
import { examineOnnx } from './frontend/import-onnx.ts';
import type { UnsupportedPart } from './frontend/import-onnx.ts';
import { numbersOf, textOf } from './ir/attribute-values.ts';
import type { Program } from './ir/program.ts';
import { operationOf } from './ir/program.ts';
import { shapeOf } from './ir/types.ts';
import { achievedSecurityBits, modulusBits } from './layout/security.ts';
import type { ModelSource } from './compile.ts';
import { figureOf } from './passes/define-pass.ts';
import { compileOptionsSchema } from './passes/options.ts';
import type { CompileOptions } from './passes/options.ts';
import { depthOf } from './passes/packing/depth.ts';
import { runPipeline } from './passes/pipeline.ts';

export interface TensorSummary {
  readonly name: string;
  readonly shape: readonly number[];
}

/** What the plan of a model would need, from one compilation with default options. */
export interface PlanEstimate {
  readonly ringDegree: number;
  readonly logQP: number;
  readonly levels: number;
  readonly securityBits: number;
  readonly precisionBits: number;
  /** Rotation and relinearisation keys as sent. */
  readonly keyBytes: number;
  readonly peakCiphertextBytes: number;
  /** Seconds of one execution under the committed cost profile. */
  readonly modelledSeconds: number | null;
}

/** Why a model whose operators are all supported still has no plan. */
export interface Infeasibility {
  readonly code: string;
  readonly message: string;
  readonly node: string | null;
  readonly hint: string | null;
}

export interface Inspection {
  readonly name: string;
  readonly inputs: readonly (TensorSummary & { readonly range: readonly [number, number] })[];
  readonly outputs: readonly TensorSummary[];
  /** Nodes that the outputs depend on, in execution order. */
  readonly nodes: readonly { readonly name: string; readonly operator: string }[];
  /** How often each operator occurs. */
  readonly operators: Readonly<Record<string, number>>;
  readonly supported: boolean;
  /** Everything that cannot be compiled, with reason and way out. */
  readonly unsupported: readonly UnsupportedPart[];
  /** Trained numbers; null where the model is not supported. */
  readonly parameters: number | null;
  /** Levels that the encrypted program needs; null where the model is not supported. */
  readonly multiplicativeDepth: number | null;
  /** Null where the model is not supported or not feasible. */
  readonly estimate: PlanEstimate | null;
  /** Null where there is an estimate, or something unsupported. */
  readonly infeasible: Infeasibility | null;
  readonly labels: readonly string[] | null;
  readonly warnings: readonly Warning[];
}

export interface InspectRequest {
  readonly inputShapes?: Readonly<Record<string, readonly number[]>>;
  readonly options?: Partial<CompileOptions>;
}

/**
 * List what a model holds, what of it can be compiled, and why the rest cannot.
 *
 * Throws MODEL_INVALID for a malformed file; what is merely unsupported is listed, not thrown.
 */
export function inspect(model: ModelSource, request: InspectRequest = {}): Inspection {
  const examined = examineOnnx(model.bytes, {
    name: model.name,
    ...(model.file === undefined ? {} : { file: model.file }),
    ...(model.external === undefined ? {} : { external: model.external }),
    ...(request.inputShapes === undefined ? {} : { inputShapes: request.inputShapes }),
  });
  const warnings = [...examined.warnings];
  const unsupported = [...examined.unsupported];
  const operators = new Map<string, number>();
  for (const { op } of examined.operators) operators.set(op, (operators.get(op) ?? 0) + 1);
  let multiplicativeDepth: number | null = null;
  let estimate: PlanEstimate | null = null;
  let infeasible: Infeasibility | null = null;
  if (examined.program !== null) {
    try {
      const onFused = (fused: Program): void => void (multiplicativeDepth = depthOf(fused));
      estimate = estimatePlan(examined.program, request.options ?? {}, onFused);
    } catch (error) {
      if (!(error instanceof CipherloomError) || error.exit !== exitStatus.cannotCompile)
        throw error;
      if (error.code === 'MODEL_UNSUPPORTED') unsupported.push(...partsOf(error));
      else {
        const { code, message, node, hint } = error;
        infeasible = { code, message, node, hint };
      }
    }
  }
  const program = examined.program;
  return {
    name: model.name,
    inputs: program === null ? [] : inputsOf(program),
    outputs:
      program?.outputs.map(({ name, value }) => ({
        name,
        shape: shapeOf(operationOf(program, value).type),
      })) ?? [],
    nodes: examined.operators.map(({ name, op }) => ({ name, operator: op })),
    operators: Object.fromEntries([...operators].sort(([a], [b]) => (a < b ? -1 : 1))),
    supported: unsupported.length === 0,
    unsupported,
    parameters:
      program === null
        ? null
        : [...program.constants.values()].reduce((sum, { data }) => sum + data.length, 0),
    multiplicativeDepth,
    estimate,
    infeasible,
    labels: examined.labels,
    warnings,
  };
}

/**
 * Run the passes as `compile` would without calibration data.
 *
 * Activations count as polynomials of the asked degree on synthetic inputs, so precision and ranges
 * are rough; ring degree, levels, keys and time are those of a plan of this depth.
 */
function estimatePlan(
  program: Program,
  given: Partial<CompileOptions>,
  onFused: (fused: Program) => void,
): PlanEstimate {
  const options = compileOptionsSchema.parse({
    ...given,
    inputRangeGiven: true,
    requireRangeProof: false,
  });
  const { program: lowered, notes } = runPipeline(program, {
    options,
    calibration: null,
    warn: () => undefined,
    afterPass: (pass, after) => {
      if (pass.name === 'fuse-linear') onFused(after);
    },
  });
  const { modulus } = lowered;
  invariant(modulus !== null, 'the passes choose a modulus');
  const figure = (name: string): number | null => figureOf(notes, name);
  const logQP = modulusBits([...modulus.primes, ...modulus.specialPrimes]);
  return {
    ringDegree: modulus.ringDegree,
    logQP,
    levels: modulus.primes.length - 1,
    securityBits: achievedSecurityBits(modulus.ringDegree, logQP),
    precisionBits: figure('precisionBits') ?? 0,
    keyBytes: figure('keyBytes') ?? 0,
    peakCiphertextBytes: figure('peakCiphertextBytes') ?? 0,
    modelledSeconds: figure('modelledSeconds'),
  };
}

function partsOf(error: CipherloomError): UnsupportedPart[] {
  const { nodes } = error.details;
  return Array.isArray(nodes)
    ? (nodes as UnsupportedPart[])
    : [
        {
          name: error.node ?? 'model',
          operator: 'model',
          reason: error.message,
          wayOut: error.hint,
        },
      ];
}

function inputsOf(program: Program): Inspection['inputs'] {
  return program.operations
    .filter((operation) => operation.op === 'nn.input')
    .map((operation) => {
      const [lo = 0, hi = 1] = numbersOf(operation, 'range');
      return { name: textOf(operation, 'name'), shape: shapeOf(operation.type), range: [lo, hi] };
    });
}
