import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Program } from '../../src/ir/program.ts';
import { verify } from '../../src/ir/verify.ts';
import budgetLevels from '../../src/passes/budget-levels.ts';
import placeRelins from '../../src/passes/place-relins.ts';
import placeRescales from '../../src/passes/place-rescales.ts';
import {
  lowerAnd,
  randomExpressions,
  slotContext,
  slotOps,
  writeSlots,
} from '../support/slot-programs.ts';
import { printProgram } from '../../src/ir/print.ts';

const passes = [placeRescales, placeRelins, budgetLevels];

function levels(program: Program): (number | null)[] {
  return program.operations.map(({ type }) => (type.kind === 'ciphertext' ? type.level : null));
}

describe('budget-levels', () => {
  it('starts a chain at its depth and ends it at level 0', () => {
    const program = lowerAnd(
      writeSlots(({ input, mul, linear }) => {
        const x = linear([input()]);
        return [linear([mul(x, x)])];
      }),
      passes,
    );
    expect(slotOps(program).map((op, k) => `${op} ${levels(program)[k] ?? '?'}`)).toEqual([
      'input 3',
      'linear 3',
      'rescale 2',
      'square 2',
      'relinearize 2',
      'rescale 1',
      'linear 1',
      'rescale 0',
    ]);
  });

  it('drops levels just before the user that needs fewer', () => {
    const program = lowerAnd(
      writeSlots(({ input, mul, add }) => {
        const x = input();
        return [add(mul(mul(x, x), x), x)];
      }),
      passes,
    );
    expect(slotOps(program)).toEqual([
      'input',
      'square',
      'relinearize',
      'rescale',
      'level-drop',
      'multiply',
      'relinearize',
      'rescale',
      'level-drop',
      'add',
    ]);
    expect(levels(program)).toEqual([2, 2, 2, 1, 1, 1, 1, 0, 0, 0]);
  });

  it('lets every input enter at its own level', () => {
    const program = lowerAnd(
      writeSlots(({ input, linear, mul }) => {
        const [x, y] = [input('x'), input('y')];
        return [mul(linear([x]), y)];
      }),
      passes,
    );
    const entering = program.operations.filter(({ op }) => op === 'ckks.input');
    expect(entering.map(({ attributes }) => attributes['level'])).toEqual([2, 1]);
  });

  it('holds nothing higher than it must be, and is settled after one run', () => {
    fc.assert(
      fc.property(randomExpressions(10), (source) => {
        const program = lowerAnd(source, passes);
        verify(program);
        const at = levels(program);
        // Each value stands at the level that its most demanding user asks for; outputs ask for 0.
        const asked = at.map(() => 0);
        program.operations.forEach(({ op, operands }, id) => {
          const wanted =
            op === 'ckks.level-drop' ? 0 : (at[id] ?? 0) + (op === 'ckks.rescale' ? 1 : 0);
          for (const operand of operands) {
            if (op === 'ckks.level-drop') expect(at[operand]).toBeGreaterThan(at[id] ?? 0);
            asked[operand] = Math.max(asked[operand] ?? 0, wanted);
          }
        });
        program.operations.forEach(({ op }, id) => {
          if (op !== 'ckks.level-drop') expect(at[id], `%${id}`).toBe(asked[id]);
        });
        const again = budgetLevels.run(program, slotContext());
        expect(printProgram(again)).toBe(printProgram(program));
      }),
      { numRuns: 200, seed: 1 },
    );
  });
});
