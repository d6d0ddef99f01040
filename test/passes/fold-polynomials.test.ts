import { describe, expect, it } from 'vitest';
import type { Program } from '../../src/ir/program.ts';
import { magnitude } from '../../src/ir/types.ts';
import foldPolynomials, { amplitudeOf } from '../../src/passes/fold-polynomials.ts';
import fuseLinear from '../../src/passes/fuse-linear.ts';
import { depthOf } from '../../src/passes/packing/depth.ts';
import { runPass } from '../support/pass-context.ts';
import { expectSameAnswers } from '../support/same-semantics.ts';
import { opsOf, polynomialsOf, writeProgram } from '../support/small-programs.ts';
import type { Writer } from '../support/small-programs.ts';

/** dense → polynomial → dense. */
function between(
  coefficients: readonly number[],
  range: readonly [number, number] = [0, 1],
): Program {
  return writeProgram(({ input, dense, polynomial }) => [
    dense(polynomial(dense(input([1, 4], range), 4, 3), coefficients), 3, 2),
  ]);
}

/** The folded program, checked: same answers before and after, also once its matrices are fused. */
function folded(before: Program): { program: Program; fused: Program } {
  const { program } = runPass(foldPolynomials, before);
  expectSameAnswers(before, program, 3, 1e-9);
  const { program: fused } = runPass(fuseLinear, program);
  expectSameAnswers(before, fused, 4, 1e-5);
  return { program, fused };
}

const square = [0, 0, 1];

describe('fold-polynomials', () => {
  it.each([
    { name: 'a pure square', coefficients: [0, 0, 3] },
    { name: 'a tiny leading coefficient', coefficients: [0, 0, 1e-4] },
    { name: 'a negative leading coefficient', coefficients: [0.5, 0, -0.7] },
    { name: 'a quadratic', coefficients: [0.5, 0.25, 0.5] },
    { name: 'a negative quadratic', coefficients: [0.1, -1, -2] },
  ])('makes $name a square between matrices', ({ coefficients }) => {
    const { program, fused } = folded(between(coefficients));
    expect(polynomialsOf(program).map(({ data }) => data)).toEqual([square]);
    expect(opsOf(fused)).toEqual(['input', 'linear', 'polynomial', 'linear']);
    expect(depthOf(fused)).toBe(3);
    // The argument fills the amplitude and does not leave it.
    const argument = magnitude(fused.operations[1]!.type.range);
    expect(argument).toBeLessThanOrEqual(amplitudeOf(2) * (1 + 1e-6));
    expect(argument).toBeGreaterThan(amplitudeOf(2) / 2);
  });

  it('makes arguments half as large where the square shares a rescale with the matrix behind', () => {
    const before = between([0.5, 0.25, 0.5]);
    const argument = (shareRescales: boolean): number => {
      const { program } = runPass(foldPolynomials, before, {}, null, { shareRescales });
      expectSameAnswers(before, program, 3, 1e-9);
      const id = program.operations.findIndex(({ op }) => op === 'nn.polynomial');
      return magnitude(program.operations[program.operations[id]!.operands[0]!]!.type.range);
    };
    expect(argument(false) / argument(true)).toBeCloseTo(2, 9);
    expect(amplitudeOf(2) / amplitudeOf(2, true)).toBe(2);
  });

  it('leaves a quadratic whose square would be far off, and scales its argument by a power of two', () => {
    // b / 2a = 5000: completing the square would subtract numbers of 2,500 to get numbers of 1.
    const before = between([0, 1, 1e-4]);
    const { program, fused } = folded(before);
    const [polynomial] = polynomialsOf(program);
    const alpha = polynomial!.data[1]!;
    expect(Number.isInteger(Math.log2(alpha))).toBe(true);
    expect(polynomial!.data).toEqual([0, alpha, 1e-4 * alpha * alpha]);
    expect(magnitude(fused.operations[1]!.type.range)).toBeLessThanOrEqual(amplitudeOf(2));
  });

  it('makes higher degrees monic', () => {
    const { program, fused } = folded(between([0.25, 0.5, -1, 0.5, 2]));
    const [polynomial] = polynomialsOf(program);
    expect(polynomial!.data[0]).toBe(0);
    expect(polynomial!.data.at(-1)).toBe(1);
    // Degree 4, monic: two levels between two matrices.
    expect(depthOf(fused)).toBe(4);
  });

  it('leaves a cubic with a vanishing leading coefficient', () => {
    const { program } = folded(between([0, 1, 0, 1e-5]));
    expect(polynomialsOf(program)[0]!.data.at(-1)).not.toBe(1);
  });

  it('folds per channel', () => {
    const before = writeProgram(({ input, conv, add, constant }) => {
      const x = conv(input([1, 2, 4, 4]), 2, 3);
      // a, b, c of three channels: signs and sizes differ.
      const coefficients = constant([3, 3, 1, 1], [0.5, -0.5, 0, 0.25, 0.5, 0, 1, -2, 0.01]);
      return [conv(add('nn.polynomial', [x], { coefficients }), 3, 2)];
    });
    const { program, fused } = folded(before);
    expect(polynomialsOf(program)).toEqual([{ shape: [3], data: square }]);
    expect(opsOf(fused)).toEqual(['input', 'linear', 'polynomial', 'linear']);
  });

  it('leaves a polynomial of which one channel has no leading coefficient', () => {
    const before = writeProgram(({ input, conv, add, constant }) => {
      const x = conv(input([1, 2, 4, 4]), 2, 2);
      const coefficients = constant([3, 2, 1, 1], [0, 0, 1, 1, 1, 0]);
      return [conv(add('nn.polynomial', [x], { coefficients }), 2, 2)];
    });
    const { program } = folded(before);
    expect(polynomialsOf(program)[0]!.shape).toEqual([3, 2, 1, 1]);
  });

  const forks: { name: string; body: (writer: Writer) => readonly number[]; scaled: boolean }[] = [
    {
      name: 'the argument has another reader',
      body: ({ input, dense, polynomial, add }) => {
        const x = dense(input([1, 4]), 4, 4);
        return [dense(add('nn.mul', [x, polynomial(x, [0, 0, 3])]), 4, 2)];
      },
      scaled: false,
    },
    {
      name: 'the argument is an output',
      body: ({ input, dense, polynomial }) => {
        const x = dense(input([1, 4]), 4, 4);
        return [x, dense(polynomial(x, [0, 0, 3]), 4, 2)];
      },
      scaled: false,
    },
    {
      name: 'no matrix makes the argument',
      body: ({ input, dense, polynomial }) => [dense(polynomial(input([1, 4]), [0, 0, 3]), 4, 2)],
      scaled: false,
    },
    {
      name: 'the result is multiplied',
      body: ({ input, dense, polynomial, add }) => {
        const start = input([1, 4]);
        const y = polynomial(dense(start, 4, 4), [0, 0, 3]);
        return [dense(add('nn.mul', [y, start]), 4, 2), dense(y, 4, 1)];
      },
      scaled: true,
    },
    {
      name: 'the result joins a sum that no matrix makes',
      body: ({ input, dense, polynomial, add }) => {
        const start = input([1, 4]);
        return [dense(add('nn.add', [polynomial(dense(start, 4, 4), [0, 0, 3]), start]), 4, 2)];
      },
      scaled: true,
    },
    {
      name: 'the result is an output',
      body: ({ input, dense, polynomial }) => [polynomial(dense(input([1, 4]), 4, 4), [0, 0, 3])],
      scaled: true,
    },
  ];
  it.each(forks)('moves no leading coefficient behind the polynomial where $name', (fork) => {
    const { program } = folded(writeProgram(fork.body));
    // At most the matrix in front takes it, with the root that makes it one.
    expect(polynomialsOf(program)[0]!.data[2]).toBe(fork.scaled ? 1 : 3);
    expect(program.operations.filter(({ op }) => op === 'nn.scale')).toHaveLength(
      fork.scaled ? 1 : 0,
    );
  });

  const alone = (coefficients: readonly number[]): Program =>
    writeProgram(({ input, dense, polynomial }) => [
      polynomial(dense(input([1, 4], [-1, 1]), 4, 4), coefficients),
    ]);

  it('leaves squares of moderate size as they are: no level for a factor', () => {
    const { program, fused } = folded(alone([0, 0, 1]));
    expect(polynomialsOf(program).map(({ data }) => data)).toEqual([square]);
    expect(depthOf(fused)).toBe(2);
  });

  it.each([
    { name: 'a negative square', coefficients: [0, 0, -1] },
    { name: 'an argument that would be far too small', coefficients: [0, 0, 1e-6] },
    { name: 'a result that would be far too large', coefficients: [0, 0, 1e9] },
  ])('scales the argument by a power of two for $name', ({ coefficients }) => {
    const { program, fused } = folded(alone(coefficients));
    const leading = polynomialsOf(program)[0]!.data[2]!;
    expect(Number.isInteger(Math.log2(leading / coefficients[2]!))).toBe(true);
    expect(magnitude(fused.operations[1]!.type.range)).toBeLessThanOrEqual(amplitudeOf(2));
  });

  it('folds where a matrix makes the sum that reads the result', () => {
    const before = writeProgram(({ input, dense, polynomial, add }) => {
      const start = input([1, 4]);
      const y = polynomial(dense(start, 4, 4), [0, 0, 3]);
      return [dense(add('nn.add', [y, dense(start, 4, 4)]), 4, 2)];
    });
    const { program, fused } = folded(before);
    expect(polynomialsOf(program).map(({ data }) => data)).toEqual([square]);
    expect(opsOf(fused)).toEqual(['input', 'linear', 'polynomial', 'linear']);
  });

  it('keeps calibrated bounds of what it writes, scaled', () => {
    const before = between([0.5, 0, 3]);
    const narrowed: Program = {
      ...before,
      operations: before.operations.map((operation) => {
        const range = { lo: 0.5, hi: 0.75, source: 'calibrated' } as const;
        const { type } = operation;
        return operation.op === 'nn.polynomial'
          ? { ...operation, type: { ...type, range } }
          : operation;
      }),
    };
    const { program } = runPass(foldPolynomials, narrowed);
    const polynomial = program.operations.find(({ op }) => op === 'nn.polynomial')!;
    const scale = program.operations.find(
      ({ op, operands }) =>
        op === 'nn.scale' && operands[0] === program.operations.indexOf(polynomial),
    )!;
    expect(polynomial.type.range!.source).toBe('calibrated');
    expect(polynomial.type.range!.lo).toBe(0);
    expect(scale.type.range!.hi).toBeCloseTo(0.25, 12);
  });
});
