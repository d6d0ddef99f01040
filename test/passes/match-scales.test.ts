import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileUntil } from '../../src/compile.ts';
import { operationOf } from '../../src/ir/program.ts';
import type { Program, ValueId } from '../../src/ir/program.ts';
import { divide, equal, multiply, powerOfTwo, rational, toText } from '../../src/ir/rational.ts';
import type { Rational } from '../../src/ir/rational.ts';
import type { CiphertextType } from '../../src/ir/types.ts';
import { verify } from '../../src/ir/verify.ts';
import budgetLevels from '../../src/passes/budget-levels.ts';
import chooseParameters from '../../src/passes/choose-parameters.ts';
import matchScales from '../../src/passes/match-scales.ts';
import { depthOf } from '../../src/passes/packing/depth.ts';
import { waterlineBitsOf } from '../../src/passes/params/chain.ts';
import placeRelins from '../../src/passes/place-relins.ts';
import placeRescales from '../../src/passes/place-rescales.ts';
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
import { encodeModel } from '../support/onnx-model.ts';

const before = [placeRescales, placeRelins, budgetLevels, chooseParameters];

function matched(source: Program): Program {
  const program = lowerAnd(source, [...before, matchScales], slotContext({ precisionBits: 1 }));
  verify(program);
  return program;
}

function typeOf(
  program: Program,
  id: ValueId,
): CiphertextType & { scale: Rational; level: number } {
  const { type } = operationOf(program, id);
  if (type.kind !== 'ciphertext' || type.scale === null || type.level === null) {
    throw new Error(`%${id} has no level or scale`);
  }
  return { ...type, scale: type.scale, level: type.level };
}

function waterline(program: Program): Rational {
  return powerOfTwo(waterlineBitsOf(program.modulus!));
}

function prime(program: Program, level: number): Rational {
  return rational(program.modulus!.primes[level]!);
}

function count(program: Program, op: string): number {
  return program.operations.filter((operation) => operation.op === `ckks.${op}`).length;
}

/** Highest level of any value. */
function height(program: Program): number {
  return Math.max(...program.operations.map((_, id) => typeOf(program, id).level));
}

describe('match-scales', () => {
  it('brings a linear map back to the waterline exactly', () => {
    const program = matched(
      writeSlots(({ input, linear, mul }) => {
        const x = linear([input()]);
        return [linear([mul(x, x)])];
      }),
    );
    const first = program.operations.findIndex(({ op }) => op === 'ckks.rescale');
    expect(equal(typeOf(program, first).scale, waterline(program))).toBe(true);
    // The second map follows a square, whose scale is W² / q: its diagonals make up for that.
    const scales = program.operations
      .filter(({ op }) => op === 'ckks.linear')
      .map(({ attributes }) => attributes['plainScales']);
    expect(scales[0]).toEqual([toText(prime(program, height(program)))]);
    expect(scales[1]).not.toEqual([toText(prime(program, 1))]);
  });

  it('multiplies by 1 at a level drop where branches differ in depth and neither scale is free', () => {
    // x² + x: the square has the scale W² / q, the input has W.
    const source = writeSlots(({ input, mul, add }) => {
      const x = input();
      return [add(mul(x, x), x)];
    });
    const program = matched(source);
    expect(count(program, 'multiply-constant')).toBe(1);
    expect(height(program)).toBe(1);
    const sum = program.operations.findIndex(({ op }) => op === 'ckks.add');
    const w = waterline(program);
    const [a = -1, b = -1] = operationOf(program, sum).operands;
    const expected = divide(multiply(w, w), prime(program, 1));
    expect(toText(typeOf(program, a).scale)).toBe(toText(expected));
    expect(toText(typeOf(program, b).scale)).toBe(toText(expected));
    // No scale was called equal that is not: W² / q is not W.
    expect(equal(expected, w)).toBe(false);
  });

  it('keeps the numbers of scales short in a long chain of squares, next to which a sum is exact', () => {
    const program = matched(
      writeSlots(({ input, linear, mul, add }) => {
        const x = input();
        let power = x;
        for (let k = 0; k < 14; k++) power = mul(power, power);
        return [add(power, linear([x]))];
      }),
    );
    const sum = program.operations.findIndex(({ op }) => op === 'ckks.add');
    const [a = -1, b = -1] = operationOf(program, sum).operands;
    expect(toText(typeOf(program, a).scale)).toBe(toText(typeOf(program, b).scale));
    for (const id of program.operations.keys()) {
      expect(toText(typeOf(program, id).scale).length).toBeLessThan(4000);
    }
  });

  it('matches a residual block whose branches differ in depth', () => {
    const source = writeSlots(({ input, linear, polynomial, add }) => {
      const x = linear([input()]);
      const deep = linear([polynomial(linear([polynomial(x, [0, 0, 1])]), [0, 0, 0, 0, 1])]);
      return [polynomial(add(deep, x), [0, 0, 1])];
    });
    const program = matched(source);
    // The map of the deep branch follows the scale of the residual one: nothing is added.
    expect(count(program, 'multiply-constant')).toBe(0);
    expect(height(program)).toBe(7);
    const inputs = slotInputs(program, 5);
    expect(slotDifference(slotOutputs(source, inputs), slotOutputs(program, inputs))).toBeLessThan(
      1e-12,
    );
  });

  it('matches x² + x⁴ without a new level', () => {
    const program = matched(
      writeSlots(({ input, mul, add }) => {
        const x = input();
        const square = mul(x, x);
        return [add(mul(square, square), square)];
      }),
    );
    expect(height(program)).toBe(2);
    expect(count(program, 'multiply-constant')).toBe(1);
  });

  it('adds a level to a summand that has none to drop', () => {
    // x² + y: y would enter at level 0, where no multiplication fits.
    const program = matched(
      writeSlots(({ input, mul, add }) => {
        const [x, y] = [input('x'), input('y')];
        return [add(mul(x, x), y)];
      }),
    );
    expect(program.operations.map((_, id) => typeOf(program, id).level)[0]).toBe(1);
    expect(typeOf(program, 1).level).toBe(1);
    expect(height(program)).toBe(1);
    expect(count(program, 'multiply-constant')).toBe(1);
  });

  it('grows the chain where both summands stand at its top', () => {
    const source = writeSlots(({ input, mul, add, linear }) => {
      const x = input('x');
      const shared = linear([x]);
      // `shared` is used twice, so its scale is not free for the sum; it is at the level of x².
      return [add(mul(x, x), shared), shared];
    });
    const unmatched = lowerAnd(source, before, slotContext({ precisionBits: 1 }));
    const program = matched(source);
    expect(program.modulus!.primes.length).toBe(unmatched.modulus!.primes.length + 1);
    expect(new Set(program.modulus!.primes).size).toBe(program.modulus!.primes.length);
    const inputs = slotInputs(program, 1);
    expect(slotDifference(slotOutputs(source, inputs), slotOutputs(program, inputs))).toBeLessThan(
      1e-12,
    );
  });

  it('matches products inside an unrescaled sum', () => {
    const source = writeSlots(({ input, mul, add, linear }) => {
      const x = input('x');
      const y = linear([x]);
      const z = mul(y, y);
      return [add(mul(x, x), add(mul(y, x), z)), mul(z, y)];
    });
    const program = matched(source);
    const inputs = slotInputs(program, 2);
    expect(slotDifference(slotOutputs(source, inputs), slotOutputs(program, inputs))).toBeLessThan(
      1e-12,
    );
  });

  it('says how many primes are needed where --prime-bits lists too few for a match', () => {
    const source = writeSlots(({ input, mul, add, linear }) => {
      const x = input('x');
      const shared = linear([x]);
      return [add(mul(x, x), shared), shared];
    });
    const context = slotContext({ primeBits: [50, 40, 55], insecure: true });
    const program = lowerAnd(source, before, context);
    expect(() => matchScales.run(program, context)).toThrow(
      expect.objectContaining({
        code: 'LEVELS_EXHAUSTED',
        details: { given: 3, needed: 4, levels: 2 },
      }),
    );
  });

  it('gives an output the largest power of two that its range leaves room for', () => {
    const program = matched(
      writeSlots(({ input, linear }) => [
        linear(
          [input('x', [-30, 30])],
          [
            [1, 0, 0, 0],
            [0, 1, 0, 0],
            [0, 0, 1, 0],
            [0, 0, 0, 1],
          ],
        ),
      ]),
    );
    const output = typeOf(program, program.outputs[0]!.value);
    // q_0 has two bits above the waterline: 30 < 2^4.91 leaves W / 2^4 under q_0 / 2 (by 0.09 bit), less
    // the twentieth for the noise.
    expect(toText(output.scale)).toBe(toText(powerOfTwo(waterlineBitsOf(program.modulus!) - 4)));
  });

  it('settles every legal expression and keeps what it computes', { timeout: 120_000 }, () => {
    let ones = 0;
    fc.assert(
      fc.property(randomExpressions(10), fc.nat(), (source, seed) => {
        fc.pre(depthOf(source) <= 9);
        const program = matched(source);
        const inputs = slotInputs(program, seed);
        const difference = slotDifference(
          slotOutputs(source, inputs),
          slotOutputs(program, inputs),
        );
        expect(difference).toBeLessThan(1e-9);
        program.operations.forEach(({ op, operands }, id) => {
          // Additions are exact, and every plaintext scale is the quotient of the scales around it.
          const { scale } = typeOf(program, id);
          if (op === 'ckks.add' || op === 'ckks.sub') {
            for (const operand of operands) {
              expect(equal(typeOf(program, operand).scale, scale)).toBe(true);
            }
          }
        });
        if (count(program, 'multiply-constant') > 0) ones++;
      }),
      { numRuns: 250, seed: 11 },
    );
    expect(ones).toBeGreaterThan(25);
  });

  it('asks for a scale once, however often a value is added to itself', () => {
    // −x, then v + v forty times: asking for both summands apart would be 2^40 questions.
    const sums = Array.from({ length: 40 }, (_, n) => ({
      ...{ op: 'Add', inputs: [`v${n}`, `v${n}`], outputs: [n === 39 ? 'y' : `v${n + 1}`] },
    }));
    const bytes = encodeModel({
      inputs: { x: [1, 4] },
      outputs: ['y'],
      metadata: { 'cipherloom.range.x': '0,1e-9' },
      nodes: [{ op: 'Neg', inputs: ['x'], outputs: ['v0'] }, ...sums],
    });
    const { program } = compileUntil({ bytes, name: 'doubled' }, { stopAfter: 'match-scales' });
    verify(program);
    expect(count(program, 'add')).toBe(40);
  });

  it('is deterministic', () => {
    fc.assert(
      fc.property(randomExpressions(8), (source) => {
        fc.pre(depthOf(source) <= 9);
        expect(slotOps(matched(source))).toEqual(slotOps(matched(source)));
      }),
      { numRuns: 20, seed: 3 },
    );
  });
});
