import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lookupOp } from '../../src/ir/ops.ts';
import { verify } from '../../src/ir/verify.ts';
import placeRescales from '../../src/passes/place-rescales.ts';
import { lowerAnd, randomExpressions, slotOps, writeSlots } from '../support/slot-programs.ts';
import type { SlotWriter } from '../support/slot-programs.ts';

function placed(body: (writer: SlotWriter) => readonly number[]): string[] {
  return slotOps(lowerAnd(writeSlots(body), [placeRescales]));
}

describe('place-rescales', () => {
  it('rescales a sum of products once', () => {
    const ops = placed(({ input, mul, add, sub }) => {
      const [x, y, z] = [input('x'), input('y'), input('z')];
      return [sub(add(mul(x, y), mul(y, z)), mul(x, z))];
    });
    expect(ops.slice(3)).toEqual(['multiply', 'multiply', 'add', 'multiply', 'sub', 'rescale']);
  });

  it('rescales before a product and before a value that is no product', () => {
    expect(
      placed(({ input, mul, add }) => {
        const [x, y] = [input('x'), input('y')];
        return [mul(add(mul(x, x), y), y)];
      }).slice(2),
    ).toEqual(['square', 'rescale', 'add', 'multiply', 'rescale']);
  });

  it('rescales a product once for all its users', () => {
    // x² + x⁴: the sum takes x² as it is, the square takes it rescaled.
    expect(
      placed(({ input, mul, add }) => {
        const x = input();
        const square = mul(x, x);
        return [add(mul(square, square), square), mul(square, x)];
      }),
    ).toEqual(['input', 'square', 'rescale', 'square', 'add', 'rescale', 'multiply', 'rescale']);
  });

  it('rescales a linear map at once, before its bias', () => {
    expect(placed(({ input, linear }) => [linear([input()], undefined, [1, 2, 3, 4])])).toEqual([
      'input',
      'linear',
      'rescale',
      'add-constant',
    ]);
  });

  it('leaves no output and no factor at the scale of a product', () => {
    fc.assert(
      fc.property(randomExpressions(10), (source) => {
        const program = lowerAnd(source, [placeRescales]);
        verify(program);
        const pending = new Set<number>();
        program.operations.forEach(({ op, operands }, id) => {
          const raw = operands.filter((operand) => pending.has(operand));
          if (op === 'ckks.rescale') {
            expect(raw).toEqual([...operands]);
          } else if (op === 'ckks.add' || op === 'ckks.sub') {
            // Both summands, or none.
            expect([0, operands.length]).toContain(raw.length);
            if (raw.length > 0) pending.add(id);
          } else {
            expect(raw).toEqual([]);
            if (lookupOp(op).levels > 0) pending.add(id);
          }
        });
        for (const { value } of program.outputs) expect(pending.has(value)).toBe(false);
      }),
      { numRuns: 200, seed: 1 },
    );
  });
});
