import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { verify } from '../../src/ir/verify.ts';
import placeRelins from '../../src/passes/place-relins.ts';
import placeRescales from '../../src/passes/place-rescales.ts';
import { lowerAnd, randomExpressions, slotOps, writeSlots } from '../support/slot-programs.ts';

const passes = [placeRescales, placeRelins];

describe('place-relins', () => {
  it('relinearises a sum of products once, before its rescale', () => {
    const program = lowerAnd(
      writeSlots(({ input, mul, add }) => {
        const [x, y, z] = [input('x'), input('y'), input('z')];
        return [add(mul(x, y), add(mul(y, z), mul(z, z)))];
      }),
      passes,
    );
    expect(slotOps(program).slice(3)).toEqual([
      'multiply',
      'multiply',
      'square',
      'add',
      'add',
      'relinearize',
      'rescale',
    ]);
  });

  it('leaves products with constants alone', () => {
    const program = lowerAnd(
      writeSlots(({ input, linear, polynomial }) => [polynomial(linear([input()]), [0.5, 0.25])]),
      passes,
    );
    expect(slotOps(program)).not.toContain('relinearize');
  });

  it('leaves no value of three polynomials to be multiplied, mapped or sent back', () => {
    fc.assert(
      fc.property(randomExpressions(10), (source) => {
        const program = lowerAnd(source, passes);
        verify(program);
        const size = (id: number): number => {
          const type = program.operations[id]?.type;
          return type?.kind === 'ciphertext' ? type.size : 0;
        };
        for (const { op, operands } of program.operations) {
          if (['ckks.add', 'ckks.sub', 'ckks.relinearize'].includes(op)) continue;
          for (const operand of operands) expect(size(operand), op).toBe(2);
        }
        for (const { value } of program.outputs) expect(size(value)).toBe(2);
        const relins = program.operations.filter(({ op }) => op === 'ckks.relinearize');
        expect(relins.every(({ operands }) => size(operands[0]!) === 3)).toBe(true);
      }),
      { numRuns: 200, seed: 1 },
    );
  });
});
