/** What the compiler found and decided: the content of `report.json`. */
import type { Warning } from '../../errors.ts';
import type { OpCost } from '../../ir/define-op.ts';
import { programCost } from '../../ir/program-cost.ts';
import type { ClientPlan } from '../../layout/client-plan.ts';
import { achievedSecurityBits, modulusBits } from '../../layout/security.ts';
import type { JointChoiceNote, KeyBudgetNote, PassNote } from '../../passes/define-pass.ts';
import type { CompileOptions } from '../../passes/options.ts';
import type { ProgramSeconds } from '../cost/program-seconds.ts';
import type { NativeMemory } from '../native/native-memory.ts';
import type { Plan } from '../plan/plan.ts';

/** An activation replaced by a polynomial, as the pass noted it. */
export type Approximation = Omit<Extract<PassNote, { kind: 'approximation' }>, 'kind'>;

/** How far an output moved when its activations became polynomials, on the calibration data. */
export type ApproximationError = Omit<Extract<PassNote, { kind: 'approximation-error' }>, 'kind'>;

export interface Report {
  readonly format: 1;
  readonly producer: string;
  readonly name: string;
  readonly planHash: string;
  readonly objective: CompileOptions['objective'];
  readonly target: CompileOptions['target'];
  readonly batch: number;
  readonly parameters: ReportParameters;
  /** Predicted worst precision of the outputs. */
  readonly precisionBits: number;
  readonly keyBytes: number;
  readonly rotationKeys: number;
  readonly inputCiphertextBytes: number;
  readonly outputCiphertextBytes: number;
  /** Predicted peak of the ciphertexts that one execution holds. */
  readonly peakCiphertextBytes: number;
  /** Predicted for the native evaluator with one thread and all encoded constants kept. */
  readonly nativeMemory: NativeMemory;
  /** Modelled seconds of one execution under the committed cost profile; null where it is not known. */
  readonly modelledSeconds: number | null;
  /** The same for each evaluator, and for the first execution of a session. */
  readonly evaluatorSeconds: ProgramSeconds;
  /** Operations on ciphertexts of one execution. */
  readonly operations: OpCost;
  /** Range of every value that comes from a node of the model, and how it is known. */
  readonly ranges: readonly {
    readonly node: string | null;
    readonly op: string;
    readonly lo: number;
    readonly hi: number;
    readonly source: string;
  }[];
  readonly approximations: readonly Approximation[];
  /** By output; empty where nothing was approximated. */
  readonly approximationError: readonly ApproximationError[];
  /** How the degrees of the activations were chosen together; null without --accuracy-budget. */
  readonly jointChoice: Omit<JointChoiceNote, 'kind'> | null;
  /** What --max-key-bytes costs; null without it, and where all keys fit. */
  readonly keyBudget: Omit<KeyBudgetNote, 'kind'> | null;
  readonly choices: readonly Extract<PassNote, { kind: 'choice' }>[];
  readonly warnings: readonly Warning[];
}

export interface ReportParameters {
  readonly ringDegree: number;
  readonly logQP: number;
  readonly securityBits: number;
  readonly securityTarget: 128 | 192 | 256;
  readonly insecure: boolean;
  readonly levels: number;
  readonly primes: readonly string[];
  readonly specialPrimes: readonly string[];
}

/** Parameters of a plan with the figures recomputed from the primes. */
export function reportParameters(client: ClientPlan): ReportParameters {
  const { ringDegree, primes, specialPrimes, securityTarget, insecure } = client.parameters;
  const logQP = modulusBits([...primes, ...specialPrimes].map(BigInt));
  return {
    ringDegree,
    logQP,
    securityBits: achievedSecurityBits(ringDegree, logQP),
    securityTarget,
    insecure,
    levels: primes.length - 1,
    primes,
    specialPrimes,
  };
}

/** Gather the report of a compilation. */
export function buildReport(facts: {
  readonly plan: Plan;
  readonly client: ClientPlan;
  readonly options: CompileOptions;
  readonly notes: ReadonlyMap<string, readonly PassNote[]>;
  readonly warnings: readonly Warning[];
  readonly sizes: {
    readonly keyBytes: number;
    readonly inputCiphertextBytes: number;
    readonly outputCiphertextBytes: number;
  };
  readonly nativeMemory: NativeMemory;
  readonly evaluatorSeconds: ProgramSeconds;
}): Report {
  const { plan, client, options, notes, warnings, sizes, evaluatorSeconds } = facts;
  const all = [...notes.values()].flat();
  return {
    format: 1,
    producer: client.producer,
    name: client.name,
    planHash: client.planHash,
    objective: options.objective,
    target: options.target,
    batch: client.batch,
    parameters: reportParameters(client),
    precisionBits: client.precisionBits,
    keyBytes: sizes.keyBytes,
    rotationKeys: client.keys.rotations.length,
    inputCiphertextBytes: sizes.inputCiphertextBytes,
    outputCiphertextBytes: sizes.outputCiphertextBytes,
    peakCiphertextBytes: plan.facts.peakCiphertextBytes,
    nativeMemory: facts.nativeMemory,
    modelledSeconds: (
      (options.target === 'native' ? null : evaluatorSeconds.seal) ?? evaluatorSeconds.native
    ).run,
    evaluatorSeconds,
    operations: programCost(plan.program),
    ranges: plan.program.operations.flatMap(({ op, location, type }) =>
      type.range === null || (location === null && !op.endsWith('.input'))
        ? []
        : [{ node: location, op, lo: type.range.lo, hi: type.range.hi, source: type.range.source }],
    ),
    approximations: all
      .filter((note) => note.kind === 'approximation')
      .map(({ node, op, method, degree, range, rmsError, maxError, sketch }) => ({
        node,
        op,
        method,
        degree,
        range,
        rmsError,
        maxError,
        sketch,
      })),
    approximationError: all
      .filter((note) => note.kind === 'approximation-error')
      .map(({ output, worst, rms }) => ({ output, worst, rms })),
    jointChoice: jointChoiceOf(all),
    keyBudget: keyBudgetOf(all),
    choices: all.filter((note) => note.kind === 'choice'),
    warnings,
  };
}

function keyBudgetOf(notes: readonly PassNote[]): Report['keyBudget'] {
  const note = notes.find((own) => own.kind === 'key-budget');
  if (note === undefined) return null;
  const { kind: _, ...budget } = note;
  return budget;
}

function jointChoiceOf(notes: readonly PassNote[]): Report['jointChoice'] {
  const note = notes.find((own) => own.kind === 'joint-choice');
  if (note === undefined) return null;
  const { kind: _, ...choice } = note;
  return choice;
}
