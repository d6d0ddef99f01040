/** Translation validation: a program before and after a pass gives the same answers. */
import fc from 'fast-check';
import { expect } from 'vitest';
import { postprocess } from '../../src/client/postprocess.ts';
import type { Value } from '../../src/ir/define-op.ts';
import { interpret } from '../../src/ir/interpret.ts';
import { operationOf } from '../../src/ir/program.ts';
import type { Program } from '../../src/ir/program.ts';
import { tensorBounds } from '../../src/ir/tensor.ts';
import { magnitude, shapeOf } from '../../src/ir/types.ts';
import type { Pass } from '../../src/passes/define-pass.ts';
import type { CompileOptions } from '../../src/passes/options.ts';
import { randomSource } from './random.ts';
import { runPass } from './pass-context.ts';
import { randomInputs, randomPrograms, runClear } from './random-programs.ts';
import type { RandomProgramOptions } from './random-programs.ts';

/** Ranges of exact weights hold for the rounded ones but for this. */
const rangeSlack = 1e-5;
/** Inputs that each program is run on. */
const inputsEach = 3;

/** The outputs as the client sees them, its own steps included. */
function answers(program: Program, inputs: ReadonlyMap<string, Value>): Float64Array[] {
  const { outputs } = runClear(program, inputs);
  return program.outputs.map(({ name, value, postprocess: steps }) => {
    const start = {
      data: Float64Array.from(outputs.get(name) ?? []),
      shape: shapeOf(operationOf(program, value).type),
    };
    return steps.reduce(postprocess, start).data;
  });
}

/**
 * Expect equal answers on random inputs.
 *
 * `tolerance` is relative to the largest magnitude of any value of the program before.
 */
export function expectSameAnswers(
  before: Program,
  after: Program,
  seed: number,
  tolerance: number,
): void {
  const random = randomSource(seed);
  for (let n = 0; n < inputsEach; n++) {
    const inputs = randomInputs(before, random);
    const { largest } = runClear(before, inputs);
    const [expected, got] = [answers(before, inputs), answers(after, inputs)];
    expect(after.outputs.map(({ name }) => name)).toEqual(before.outputs.map(({ name }) => name));
    expected.forEach((data, k) => {
      expect(got[k]?.length).toBe(data.length);
      const error = data.reduce((worst, x, i) => Math.max(worst, Math.abs(x - got[k]![i]!)), 0);
      expect(error / Math.max(1, largest)).toBeLessThanOrEqual(tolerance);
    });
  }
}

/** Expect every element inside the proved range of its value, on random inputs. */
export function expectProvedRanges(program: Program, seed: number): void {
  const random = randomSource(seed);
  for (let n = 0; n < inputsEach; n++) {
    interpret(program, randomInputs(program, random), {
      observe: (id, { op, type: { range } }, value) => {
        if (value.kind !== 'tensor' || range === null || range.source === 'calibrated') return;
        const slack = rangeSlack * Math.max(1, magnitude(range));
        const [lo, hi] = tensorBounds(value.tensor);
        expect(lo, `%${id} ${op}`).toBeGreaterThanOrEqual(range.lo - slack);
        expect(hi, `%${id} ${op}`).toBeLessThanOrEqual(range.hi + slack);
      },
    });
  }
}

/** What else must hold of a program before and after. */
export type AlsoCheck = (before: Program, after: Program) => void;

/** Run a pass on random programs and compare answers. Returns how many programs it changed. */
export function checkSemantics(
  pass: Pass,
  programs: RandomProgramOptions & { readonly longest?: number },
  checks: {
    readonly runs: number;
    readonly tolerance: number;
    readonly options?: Partial<CompileOptions>;
    readonly also?: AlsoCheck;
  },
): number {
  let changed = 0;
  fc.assert(
    fc.property(randomPrograms(programs, programs.longest), fc.nat(), (before, seed) => {
      const { program: after } = runPass(pass, before, checks.options);
      expectSameAnswers(before, after, seed, checks.tolerance);
      expectProvedRanges(after, seed);
      checks.also?.(before, after);
      if (
        JSON.stringify(after.operations.map(({ op }) => op)) !==
        JSON.stringify(before.operations.map(({ op }) => op))
      ) {
        changed++;
      }
    }),
    { numRuns: checks.runs, seed: 20_240_607 },
  );
  return changed;
}
