/** Running one pass in a test. */
import type { Warning } from '../../src/errors.ts';
import type { Program } from '../../src/ir/program.ts';
import { verify } from '../../src/ir/verify.ts';
import type { Pass, PassContext, PassNote } from '../../src/passes/define-pass.ts';
import { compileOptionsSchema } from '../../src/passes/options.ts';
import type { CompileOptions } from '../../src/passes/options.ts';

export interface PassRun {
  readonly program: Program;
  readonly warnings: readonly Warning[];
  readonly notes: readonly PassNote[];
}

/** Run a pass and verify what it makes. */
export function runPass(
  pass: Pass,
  program: Program,
  options: Partial<CompileOptions> = {},
  calibration: PassContext['calibration'] = null,
  attempt: Pick<PassContext, 'shareRescales'> = {},
): PassRun {
  const warnings: Warning[] = [];
  const notes: PassNote[] = [];
  const result = pass.run(program, {
    options: compileOptionsSchema.parse(options),
    ringDegree: 8192,
    calibration,
    warn: (warning) => warnings.push(warning),
    note: (fact) => notes.push(fact),
    ...attempt,
  });
  verify(result);
  return { program: result, warnings, notes };
}
