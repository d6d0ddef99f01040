/** Modelled time of a plan on each evaluator, one thread, under the committed profiles. */
import { CipherloomError } from '../../errors.ts';
import { profileOf, profiles } from '../../passes/cost/profile.ts';
import type { Evaluator } from '../../passes/cost/linear-work.ts';
import { secondsOf } from '../../passes/cost/work.ts';
import type { CompileOptions } from '../../passes/options.ts';
import type { PreparedProgram } from '../execute/prepare-program.ts';
import { workingSet } from '../seal/working-set.ts';
import { programWork } from './program-work.ts';

export interface EvaluatorSeconds {
  /** One execution of a session that has had its first. */
  readonly run: number;
  /** The first: keys are expanded and constants encoded besides. */
  readonly first: number;
}

/** By evaluator; null for one that cannot run the plan. */
export interface ProgramSeconds {
  readonly native: EvaluatorSeconds;
  readonly seal: EvaluatorSeconds | null;
}

/**
 * Model the time of a prepared program, where the native evaluator keeps so many bytes of encoded
 * constants. Cost: a step per diagonal, twice.
 */
export async function programSeconds(
  prepared: PreparedProgram,
  nativeKeptBytes = profiles.native.keptBytes,
): Promise<ProgramSeconds> {
  const kept = await sealKeeps(prepared);
  const of = (evaluator: Evaluator, keptBytes: number): EvaluatorSeconds => {
    const { run, first } = programWork(prepared, evaluator, keptBytes);
    const { seconds } = profiles[evaluator];
    const each = secondsOf(run, seconds);
    return { run: each, first: each + secondsOf(first, seconds) };
  };
  return {
    native: of('native', nativeKeptBytes),
    seal: kept === null ? null : of('seal', kept),
  };
}

/** Modelled seconds of one execution by the evaluator that a plan is for, its first excepted. */
export function planSeconds(
  prepared: PreparedProgram,
  options: Pick<CompileOptions, 'target' | 'maxMemoryBytes'>,
): number {
  const { kind, keptBytes, seconds } = profileOf(options);
  return secondsOf(programWork(prepared, kind, keptBytes).run, seconds);
}

/** Bytes of encoded constants that SEAL's evaluator keeps; null where it cannot run the plan. */
async function sealKeeps(prepared: PreparedProgram): Promise<number | null> {
  if ((prepared.program.modulus?.specialPrimes.length ?? 1) > 1) return null;
  try {
    return (await workingSet(prepared)).plaintextCapBytes;
  } catch (error) {
    if (error instanceof CipherloomError && error.code === 'RESOURCE_LIMIT') return null;
    throw error;
  }
}
