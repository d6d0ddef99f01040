/**
 * From an ONNX file, or a program in TypeScript, to a plan.
 *
 *   bytes   ─ importOnnx ──┐
 *   program ─ importProgram ┴► nn program ─ runPipeline ─► ckks program ─ writePlan ─► model.loom
 *                                                                  ├ clientPlan ─► client.json
 *                                                                  ├ buildReport ─► report.json
 *                                                                  └ generateTypeScript ─► client.ts, server.ts
 */
import { createHash } from 'node:crypto';
import type { Hash } from 'node:crypto';
import { planSeconds, programSeconds } from './backend/cost/program-seconds.ts';
import { measureMemory } from './backend/execute/measure-memory.ts';
import { prepareProgram } from './backend/execute/prepare-program.ts';
import { leastBytes, nativeMemory } from './backend/native/native-memory.ts';
import type { NativeMemory } from './backend/native/native-memory.ts';
import { clientPlan, clientPlanText } from './backend/plan/client-plan.ts';
import type { Plan } from './backend/plan/plan.ts';
import { currentProducer } from './backend/plan/producer.ts';
import { writePlan } from './backend/plan/write-plan.ts';
import { planSizes } from './backend/seal/plan-sizes.ts';
import type { PlanSizes } from './backend/seal/plan-sizes.ts';
import { buildReport } from './backend/report/build-report.ts';
import type { Report } from './backend/report/build-report.ts';
import { CipherloomError } from './errors.ts';
import type { Warning } from './errors.ts';
import { digestProgram, importProgram, isDefinedProgram } from './frontend/dsl/import-program.ts';
import type { ModelSource } from './frontend/examine-model.ts';
import { importOnnx } from './frontend/import-onnx.ts';
import type { ImportedModel } from './frontend/import-onnx.ts';
import type { ExternalData } from './frontend/onnx/external-data.ts';
import { ciphertextOf } from './ir/ckks/values.ts';
import { printProgram } from './ir/print.ts';
import { operationOf } from './ir/program.ts';
import type { Program } from './ir/program.ts';
import { shapeOf } from './ir/types.ts';
import type { ClientPlan } from './layout/client-plan.ts';
import { batchSize } from './layout/layout.ts';
import { figureOf } from './passes/define-pass.ts';
import type { Pass, PassContext, PassNote } from './passes/define-pass.ts';
import { requireLayerSizes } from './passes/linear/count-products.ts';
import { compileOptionsSchema } from './passes/options.ts';
import type { CompileOptions } from './passes/options.ts';
import { keptConstantBytes } from './passes/cost/profile.ts';
import { runPipeline } from './passes/pipeline.ts';
import { markPublicInputs } from './passes/public/mark-public-inputs.ts';
import type { WorkBudget } from './passes/work-budget.ts';
import { shareBatch } from './share-batch.ts';

export type { ModelSource, OnnxSource } from './frontend/examine-model.ts';

export interface CompileRequest {
  readonly options?: Partial<CompileOptions>;
  /** Calibration images by input name, one flattened array an image. */
  readonly calibration?: PassContext['calibration'];
  /** Bounds of the inputs; they win over the model's metadata. */
  readonly inputRanges?: Readonly<Record<string, readonly [number, number]>>;
  readonly inputShapes?: Readonly<Record<string, readonly number[]>>;
  /** Names of the inputs that the server knows in the clear; clients neither send nor see them. */
  readonly publicInputs?: readonly string[];
  /**
   * What the generated `client.ts` imports: `cipherloom/client` (default), or `cipherloom-client`, the
   * same code in a package of its own. The plan does not depend on it.
   */
  readonly clientImport?: string | undefined;
  readonly afterPass?: (pass: Pass, program: Program, index: number) => void;
  readonly stopAfter?: string;
  readonly verifyEach?: boolean;
}

/** A compiled model. */
export interface CompiledModel {
  readonly name: string;
  /** SHA-256 of the plan, hex: its identity. */
  readonly planHash: string;
  /** Content of `model.loom`. */
  readonly plan: Uint8Array<ArrayBuffer>;
  readonly client: ClientPlan;
  readonly report: Report;
  readonly warnings: readonly Warning[];
  /** The ckks program of the plan. */
  readonly program: Program;
  /** Rotation steps that need keys. */
  readonly rotations: readonly number[];
  /** IR text of the program after a pass. */
  ir(pass?: string): string;
  /** The files of a plan folder by name. */
  files(): Map<string, Uint8Array<ArrayBuffer>>;
}

/** What `compile` returns when it was told to stop after a pass. */
export interface StoppedCompilation {
  readonly program: Program;
  readonly warnings: readonly Warning[];
  readonly notes: ReadonlyMap<string, readonly PassNote[]>;
}

/** Run the passes up to `stopAfter`, without making a plan. */
export function compileUntil(model: ModelSource, request: CompileRequest): StoppedCompilation {
  const { program, warnings, notes } = lowerModel(importSource(model, request).imported, request);
  return { program, warnings, notes };
}

/**
 * Compile a model into a plan.
 *
 * Deterministic: the same model, options and version give the same bytes on every machine.
 * Throws CipherloomError: MODEL_INVALID, MODEL_UNSUPPORTED, LEVELS_EXHAUSTED, RANGE_TOO_LARGE,
 * PRECISION_UNREACHABLE, PARAMETERS_INSECURE and others (see `cipherloom explain`).
 */
export async function compile(
  model: ModelSource,
  request: CompileRequest = {},
): Promise<CompiledModel> {
  const stages = new Map<string, Program>();
  const { imported, modelDigest } = importSource(model, request);
  const lowered = await lowerBatch(imported, {
    ...request,
    afterPass: (pass, program, index) => {
      stages.set(pass.name, program);
      request.afterPass?.(pass, program, index);
    },
  });
  const compiled = { ...lowered, modelDigest };
  const { program, warnings } = compiled;
  const { bytes, planHash, client, report } = await makePlan(compiled);
  // The code generator brings a whole TypeScript compiler: loaded by those who compile only.
  const { generateTypeScript } = await import('./backend/typescript/generate.ts');
  return {
    name: model.name,
    planHash,
    plan: bytes,
    client,
    report,
    warnings,
    program,
    rotations: client.keys.rotations.map(({ step }) => step),
    ir: (pass) => printProgram(pass === undefined ? program : (stages.get(pass) ?? program)),
    files: () => {
      const text = (value: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(value);
      const generated = generateTypeScript(
        client,
        { securityBits: report.parameters.securityBits },
        request.clientImport,
      );
      return new Map([
        ['model.loom', bytes],
        ['client.json', text(clientPlanText(client))],
        ['report.json', text(`${JSON.stringify(report, null, 2)}\n`)],
        ['client.ts', text(generated['client.ts'])],
        ['server.ts', text(generated['server.ts'])],
      ]);
    },
  };
}

/** A plan with what is known of it. */
export interface MadePlan {
  /** Content of `model.loom`. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly planHash: string;
  readonly client: ClientPlan;
  readonly report: Report;
  readonly sizes: PlanSizes;
}

/** Write the plan of a lowered model, and report on it. Throws RESOURCE_LIMIT by --max-memory-bytes. */
export async function makePlan(lowered: LoweredModel): Promise<MadePlan> {
  const { program, options, notes, warnings, modelDigest } = lowered;
  const labels = labelsByOutput(program, lowered.labels);
  const prepared = prepareProgram(program);
  const plan: Plan = {
    program,
    facts: {
      producer: currentProducer(),
      modelDigest,
      securityTarget: options.security,
      insecure: options.insecure,
      precisionBits: figureOf(notes, 'precisionBits') ?? 0,
      peakCiphertextBytes: await measureMemory(prepared),
      rangeEscape: executionEscape(figureOf(notes, 'rangeEscape'), program),
    },
  };
  const { bytes, hash: planHash } = writePlan(plan);
  const client = clientPlan(plan, planHash, { labels });
  const sizes = planSizes(client);
  const memory = nativeMemory(prepared);
  requireMemory(memory, sizes.residentKeyBytes + plan.facts.peakCiphertextBytes, options);
  const report = buildReport({
    plan,
    client,
    options,
    notes,
    warnings,
    sizes,
    nativeMemory: memory,
    evaluatorSeconds: await programSeconds(
      prepared,
      keptConstantBytes(options, leastBytes(memory)),
    ),
  });
  return { bytes, planHash, client, report, sizes };
}

/** An execution fails when one of its images leaves a range: it wraps for all. */
function executionEscape(perImage: number | null, program: Program): number | null {
  if (perImage === null) return null;
  const batches = program.outputs.map(({ value }) =>
    batchSize(ciphertextOf(operationOf(program, value).type).layout),
  );
  return Math.min(1, perImage * Math.max(1, ...batches));
}

/** The class names for each output that has as many classes. */
function labelsByOutput(
  program: Program,
  labels: readonly string[] | null,
): Map<string, readonly string[]> {
  const { outputs } = program;
  if (labels === null) return new Map();
  const named = outputs.filter(
    ({ value }) =>
      outputs.length === 1 || shapeOf(operationOf(program, value).type).includes(labels.length),
  );
  return new Map(named.map(({ name }) => [name, labels]));
}

/**
 * Refuse a plan that no evaluator it is for runs within the budget: the native one where it keeps no
 * encoded constants, and the expanded keys and ciphertexts of any. Throws RESOURCE_LIMIT.
 */
function requireMemory(
  memory: NativeMemory,
  keyAndCiphertextBytes: number,
  { maxMemoryBytes }: CompileOptions,
): void {
  if (maxMemoryBytes === null) return;
  const memoryBytes = Math.max(leastBytes(memory), keyAndCiphertextBytes);
  if (memoryBytes <= maxMemoryBytes) return;
  throw new CipherloomError(
    'RESOURCE_LIMIT',
    `the plan takes ${memoryBytes} bytes without encoded constants, --max-memory-bytes allows ${maxMemoryBytes}`,
    {
      phase: 'ckks',
      details: {
        memoryBytes,
        maxMemoryBytes,
        keyBytes: memory.keyBytes,
        workingBytes: memory.workingBytes,
      },
      hint: `--max-memory-bytes ${memoryBytes}, a smaller --batch, or a smaller --precision-bits`,
    },
  );
}

/** Read a model; the digest is that of all that was read. */
function importSource(
  model: ModelSource,
  request: CompileRequest,
): { readonly imported: ImportedModel; readonly modelDigest: string } {
  if (isDefinedProgram(model)) {
    const imported = importProgram(model, request);
    return { imported, modelDigest: digestProgram(imported.program) };
  }
  const digest = createHash('sha256').update(model.bytes);
  const imported = importOnnx(model.bytes, {
    name: model.name,
    ...(model.external === undefined ? {} : { external: digested(model.external, digest) }),
    ...(model.file === undefined ? {} : { file: model.file }),
    ...(request.inputRanges === undefined ? {} : { inputRanges: request.inputRanges }),
    ...(request.inputShapes === undefined ? {} : { inputShapes: request.inputShapes }),
  });
  return { imported, modelDigest: digest.digest('hex') };
}

/** A model after the passes. */
export interface LoweredModel {
  readonly program: Program;
  readonly notes: ReadonlyMap<string, readonly PassNote[]>;
  readonly options: CompileOptions;
  readonly warnings: readonly Warning[];
  readonly labels: readonly string[] | null;
  /** SHA-256 of the model file, or of what the program says, hex; null where it does not matter. */
  readonly modelDigest: string | null;
}

/**
 * Run the passes on an imported model, within a budget of work where one is given.
 *
 * Throws RESOURCE_LIMIT and what the passes throw; WorkExceeded where the budget is used up.
 */
export function lowerModel(
  imported: ImportedModel,
  request: CompileRequest,
  work?: WorkBudget,
): LoweredModel {
  const options = compileOptionsSchema.parse({
    ...request.options,
    ...(request.inputRanges === undefined ? {} : { inputRangeGiven: true }),
  });
  requireLayerSizes(imported.program);
  const warnings = [...imported.warnings];
  const { program, notes } = runPipeline(
    markPublicInputs(imported.program, request.publicInputs ?? []),
    {
      options,
      calibration: request.calibration ?? null,
      warn: (warning) => warnings.push(warning),
      ...(request.afterPass === undefined ? {} : { afterPass: request.afterPass }),
      stopAfter: request.stopAfter,
      verifyEach: request.verifyEach ?? false,
      work,
      programSeconds: (compiled) => planSeconds(prepareProgram(compiled), options),
      // Within a budget of work an estimate has to do.
      ...(work === undefined
        ? { planSeconds: (compiled: Program) => planSeconds(prepareProgram(compiled), options) }
        : {}),
    },
  );
  return { program, notes, options, warnings, labels: imported.labels, modelDigest: null };
}

/**
 * Run the passes on an imported model for as many images an execution as suits its batch best.
 *
 * A packing that is asked for holds the batch that is asked for. Throws what `lowerModel` throws.
 */
export async function lowerBatch(
  imported: ImportedModel,
  request: CompileRequest,
  work?: WorkBudget,
): Promise<LoweredModel> {
  const options = compileOptionsSchema.parse({ ...request.options });
  const several = (options.batch ?? 1) > 1 || options.objective === 'throughput';
  if (!several || options.packing !== 'auto' || request.stopAfter !== undefined)
    return lowerModel(imported, request, work);
  // Only the programs of the attempt that is taken, or that failed, are shown.
  type Shown = Parameters<NonNullable<CompileRequest['afterPass']>>;
  const show = (shown: readonly Shown[]): void => {
    for (const each of shown) request.afterPass?.(...each);
  };
  const { shown, ...lowered } = await shareBatch(options, (share) => {
    const shown: Shown[] = [];
    const attempt = { ...request, options: { ...request.options, ...share } };
    const afterPass = (...each: Shown): void => void shown.push(each);
    try {
      return { ...lowerModel(imported, { ...attempt, afterPass }, work), shown };
    } catch (error) {
      // The first try is that of the options themselves; what others throw is not seen.
      if (share.batch === options.batch && share.ringDegree === options.ringDegree) show(shown);
      throw error;
    }
  });
  show(shown);
  return lowered;
}

/** Files whose bytes go into the model's digest as they are read: in the order of the import. */
function digested(external: ExternalData, digest: Hash): ExternalData {
  return {
    size: (place) => external.size(place),
    read(place, offset, length) {
      const bytes = external.read(place, offset, length);
      digest.update(bytes);
      return bytes;
    },
  };
}
