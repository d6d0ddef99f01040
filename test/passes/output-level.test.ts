/** The level at which outputs are left. */
import { describe, expect, it } from 'vitest';
import type { Program } from '../../src/ir/program.ts';
import { log2 } from '../../src/ir/rational.ts';
import { compileOptionsSchema } from '../../src/passes/options.ts';
import type { CompileOptions } from '../../src/passes/options.ts';
import { waterlineBitsOf } from '../../src/passes/params/chain.ts';
import { runPipeline } from '../../src/passes/pipeline.ts';
import { writeProgram } from '../support/small-programs.ts';

/** x² of an input in [−bound, bound], times a matrix that keeps it. */
function squares(bound: number): Program {
  return writeProgram(({ input, polynomial }) => [
    polynomial(input([1, 4], [-bound, bound]), [0, 0, 1]),
  ]);
}

function lowered(program: Program, given: Partial<CompileOptions> = {}) {
  const result = runPipeline(program, {
    options: compileOptionsSchema.parse({ inputRangeGiven: true, ...given }),
    calibration: null,
    warn: () => undefined,
    verifyEach: true,
  });
  const { type } = result.program.operations[result.program.outputs[0]!.value]!;
  if (type.kind !== 'ciphertext' || type.scale === null) throw new Error('an output is encrypted');
  return { level: type.level, scaleBits: log2(type.scale), program: result.program };
}

describe('outputs', () => {
  it('of a large proved range are left at level 1, at the waterline or what is above it', () => {
    const { level, scaleBits, program } = lowered(squares(100));
    expect(level).toBe(1);
    expect(scaleBits).toBeGreaterThan(waterlineBitsOf(program.modulus!) - 1);
  });

  it('of a small range are left at level 0', () => {
    expect(lowered(squares(2)).level).toBe(0);
  });

  it('are left at level 0 where the primes are given', () => {
    const { level } = lowered(squares(30), {
      primeBits: [46, 30, 49],
      precisionBits: 1,
      ringDegree: 8192,
    });
    expect(level).toBe(0);
  });
});
