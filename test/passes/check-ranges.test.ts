import { describe, expect, it } from 'vitest';
import type { Program } from '../../src/ir/program.ts';
import budgetLevels from '../../src/passes/budget-levels.ts';
import checkRanges from '../../src/passes/check-ranges.ts';
import chooseParameters from '../../src/passes/choose-parameters.ts';
import matchScales from '../../src/passes/match-scales.ts';
import placeRelins from '../../src/passes/place-relins.ts';
import placeRescales from '../../src/passes/place-rescales.ts';
import { errorOf } from '../support/error-of.ts';
import { lowerAnd, slotContext, writeSlots } from '../support/slot-programs.ts';
import type { SlotWriter } from '../support/slot-programs.ts';

const before = [placeRescales, placeRelins, budgetLevels, chooseParameters, matchScales];

function prepared(
  body: (writer: SlotWriter) => readonly number[],
  primeBits: readonly number[],
): Program {
  const context = slotContext({ primeBits: [...primeBits], insecure: true }, 8192);
  return lowerAnd(writeSlots(body), before, context);
}

function run(program: Program): Program {
  return checkRanges.run(program, slotContext());
}

describe('check-ranges', () => {
  it('passes a program whose values fit', () => {
    const program = prepared(
      ({ input, mul }) => {
        const x = input('x', [-1, 1]);
        return [mul(x, x)];
      },
      [50, 40, 55],
    );
    expect(run(program)).toBe(program);
  });

  it('A3: a base too small for the range: missing bits and node', () => {
    // x² at level 1: 2^80 · 2^12 against 2^90 / 2.
    const program = prepared(
      ({ input, mul, add }) => {
        const x = input('x', [-64, 64]);
        const square = mul(x, x);
        return [add(square, square), square];
      },
      [50, 40, 55],
    );
    const error = errorOf(() => run(program));
    expect(error.code).toBe('RANGE_TOO_LARGE');
    expect(error.exit).toBe(4);
    expect(error.node).toMatch(/^(mul|add)\d$/);
    const { bound, scaleBits, level, neededBits, availableBits, missingBits } =
      error.details as Record<string, number>;
    expect(neededBits).toBeCloseTo(Math.log2(bound!) + scaleBits! + 0.05, 6);
    expect(availableBits).toBeCloseTo([49, 89][level!]!, 3);
    expect(missingBits).toBeCloseTo(neededBits! - availableBits!, 9);
    expect(error.hint).toContain(`${Math.ceil(missingBits!)} more bits`);
    expect(error.hint).toContain('--prime-bits');
  });

  it('refuses just where half of the modulus is passed', () => {
    // An input at level 0 with q_0 of 45 bits: the waterline is 2^43, so 2 is too much by 0.05 bit.
    const at = (bound: number): Program =>
      prepared(
        ({ input, add }) => {
          const x = input('x', [-bound, bound]);
          return [x, add(x, input('y', [0, 0]))];
        },
        [45, 55],
      );
    expect(() => run(at(1.9))).not.toThrow();
    expect(errorOf(() => run(at(2))).details['missingBits']).toBeCloseTo(0.05, 2);
  });

  it('counts what stands in unused slots', () => {
    const program = prepared(
      ({ input, mul }) => {
        const x = input('x', [-1, 1]);
        return [mul(x, x)];
      },
      [50, 40, 55],
    );
    const operations = program.operations.map((operation) => {
      const { type } = operation;
      if (operation.op !== 'ckks.rescale' || type.kind !== 'ciphertext') return operation;
      const layout = { ...type.layout, unused: { kind: 'unknown', bound: 2 ** 20 } as const };
      return { ...operation, type: { ...type, layout } };
    });
    const error = errorOf(() => run({ ...program, operations }));
    expect(error.details['bound']).toBe(2 ** 20);
  });

  it('refuses a value of unknown range', () => {
    const program = prepared(
      ({ input, mul }) => {
        const x = input('x', [-1, 1]);
        return [mul(x, x)];
      },
      [50, 40, 55],
    );
    const operations = program.operations.map((operation) => ({
      ...operation,
      type: { ...operation.type, range: null },
    }));
    const error = errorOf(() => run({ ...program, operations }));
    expect(error.code).toBe('RANGE_TOO_LARGE');
    expect(error.hint).toContain('--calibration');
  });
});
