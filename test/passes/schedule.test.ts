import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Program } from '../../src/ir/program.ts';
import { verify } from '../../src/ir/verify.ts';
import budgetLevels from '../../src/passes/budget-levels.ts';
import chooseParameters from '../../src/passes/choose-parameters.ts';
import type { PassNote } from '../../src/passes/define-pass.ts';
import matchScales from '../../src/passes/match-scales.ts';
import placeRelins from '../../src/passes/place-relins.ts';
import placeRescales from '../../src/passes/place-rescales.ts';
import schedule, { valueBytes } from '../../src/passes/schedule.ts';
import {
  lowerAnd,
  randomExpressions,
  slotContext,
  slotDifference,
  slotInputs,
  slotOps,
  slotOutputs,
  writeSlots,
} from '../support/slot-programs.ts';

const before = [placeRescales, placeRelins, budgetLevels, chooseParameters, matchScales];
const options = { precisionBits: 1 };

/** Bytes alive at once when operations run in program order and die after their last use. */
function peakOf(program: Program): number {
  const last = program.operations.map((_, id) => id);
  program.operations.forEach(({ operands }, id) => {
    for (const operand of operands) last[operand] = id;
  });
  for (const { value } of program.outputs) last[value] = Infinity;
  let peak = 0;
  program.operations.forEach((_, now) => {
    const alive = program.operations.reduce(
      (sum, __, id) => (id <= now && last[id]! >= now ? sum + valueBytes(program, id) : sum),
      0,
    );
    peak = Math.max(peak, alive);
  });
  return peak;
}

function scheduled(program: Program): { after: Program; peak: number } {
  const notes: PassNote[] = [];
  const after = schedule.run(program, slotContext(options, 32768, notes));
  const [note] = notes;
  if (note?.kind !== 'figure') throw new Error('the peak is noted');
  expect(note.name).toBe('peakCiphertextBytes');
  return { after, peak: note.value };
}

describe('schedule', () => {
  it('counts 8 bytes a residue coefficient', () => {
    const program = lowerAnd(
      writeSlots(({ input, mul }) => {
        const x = input();
        return [mul(x, x)];
      }),
      before,
      slotContext(options),
    );
    // Toy layouts of 8 slots: ring degree 16. Input at level 1: 2 polynomials × 2 residues.
    expect(valueBytes(program, 0)).toBe(2 * 2 * 16 * 8);
    expect(valueBytes(program, 1)).toBe(3 * 2 * 16 * 8);
    expect(scheduled(program).peak).toBe((2 + 3) * 2 * 16 * 8);
  });

  it('finishes one branch before it starts the next', () => {
    const program = lowerAnd(
      writeSlots(({ input, linear, add }) => {
        const [x, y, z] = [input('x'), input('y'), input('z')];
        const first = [linear([x]), linear([y]), linear([z])] as const;
        const second = [linear([first[0]]), linear([first[1]]), linear([first[2]])] as const;
        return [add(add(second[0], second[1]), second[2])];
      }),
      before,
      slotContext(options),
    );
    const { after } = scheduled(program);
    // Every branch shrinks: its rescales come right behind its maps.
    const ops = slotOps(after);
    expect(ops.slice(0, 5)).toEqual(['input', 'linear', 'rescale', 'linear', 'rescale']);
    expect(ops.filter((op) => op === 'linear')).toHaveLength(6);
    verify(after);
  });

  it('keeps what random expressions compute, and states the true peak', () => {
    fc.assert(
      fc.property(randomExpressions(8), fc.nat(), (source, seed) => {
        const program = lowerAnd(source, before, slotContext(options));
        const { after, peak } = scheduled(program);
        verify(after);
        expect(peak).toBe(peakOf(after));
        expect(slotOps(after).sort()).toEqual(slotOps(program).sort());
        const inputs = slotInputs(program, seed);
        expect(slotDifference(slotOutputs(program, inputs), slotOutputs(after, inputs))).toBe(0);
        expect(scheduled(after).peak).toBeLessThanOrEqual(peak);
      }),
      { numRuns: 100, seed: 1 },
    );
  });
});
