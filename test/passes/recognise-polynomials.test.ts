import { describe, expect, it } from 'vitest';
import recognisePolynomials from '../../src/passes/recognise-polynomials.ts';
import { runPass } from '../support/pass-context.ts';
import { expectSameAnswers } from '../support/same-semantics.ts';
import { opsOf, polynomialsOf, writeProgram } from '../support/small-programs.ts';
import type { Writer } from '../support/small-programs.ts';

/** The pass on a program; answers compared. */
function recognised(
  body: (writer: Writer) => readonly number[],
): ReturnType<typeof runPass>['program'] {
  const before = writeProgram(body);
  const { program } = runPass(recognisePolynomials, before);
  expectSameAnswers(before, program, 1, 1e-9);
  return program;
}

describe('recognise-polynomials', () => {
  it('makes x · x a square', () => {
    const program = recognised(({ input, add }) => {
      const x = input([1, 4]);
      return [add('nn.mul', [x, x])];
    });
    expect(opsOf(program)).toEqual(['input', 'polynomial']);
    expect(polynomialsOf(program)).toEqual([{ shape: [3], data: [0, 0, 1] }]);
    // The square knows its sign, which the product does not.
    expect(program.operations[1]!.type.range).toMatchObject({ lo: 0, hi: 1 });
  });

  it('gathers a x² + b x + c, the coefficients per channel', () => {
    const program = recognised(({ input, add, constant }) => {
      const x = input([1, 2, 2, 2]);
      const square = add('nn.polynomial', [x], { coefficients: constant([3], [0, 0, 1]) });
      const first = add('nn.scale', [square], { factor: constant([2, 1, 1], [2, 3]) });
      const second = add('nn.scale', [x], { factor: constant([], [5]) });
      const sum = add('nn.sub', [first, second]);
      return [add('nn.add-constant', [sum], { value: constant([2, 1, 1], [7, 8]) })];
    });
    expect(opsOf(program)).toEqual(['input', 'polynomial']);
    expect(polynomialsOf(program)).toEqual([{ shape: [3, 2, 1, 1], data: [7, 8, -5, -5, 2, 3] }]);
  });

  it('gathers x² + x⁴ into one polynomial', () => {
    const program = recognised(({ input, add }) => {
      const x = input([1, 4]);
      const square = add('nn.mul', [x, x]);
      return [add('nn.add', [square, add('nn.mul', [square, square])])];
    });
    expect(polynomialsOf(program)).toEqual([{ shape: [5], data: [0, 0, 1, 0, 1] }]);
  });

  it('stops at degree 16 and begins anew', () => {
    const program = recognised(({ input, add }) => {
      let x = input([1, 4], [-1, 1]);
      for (let n = 0; n < 6; n++) x = add('nn.mul', [x, x]);
      return [x];
    });
    // x^64 = (x^16)^4.
    expect(polynomialsOf(program).map(({ data }) => data.length - 1)).toEqual([16, 4]);
  });

  it('leaves factors and offsets alone', () => {
    const program = recognised(({ input, add, constant }) => {
      const scaled = add('nn.scale', [input([1, 4])], { factor: constant([], [2]) });
      return [add('nn.add-constant', [scaled], { value: constant([], [1]) })];
    });
    expect(opsOf(program)).toEqual(['input', 'scale', 'add-constant']);
  });

  it('squares behind an offset instead of expanding', () => {
    const program = recognised(({ input, dense, add, constant }) => {
      const x = add('nn.add-constant', [dense(input([1, 4]), 4, 4)], { value: constant([], [3]) });
      return [add('nn.mul', [x, x])];
    });
    expect(opsOf(program)).toEqual(['input', 'dense', 'add-constant', 'polynomial']);
    expect(polynomialsOf(program)).toEqual([{ shape: [3], data: [0, 0, 1] }]);
  });

  it('computes a value once that a matrix reads too', () => {
    const program = recognised(({ input, dense, add }) => {
      const x = input([1, 4]);
      const square = add('nn.mul', [x, x]);
      return [dense(square, 4, 2), dense(add('nn.mul', [square, square]), 4, 2)];
    });
    expect(polynomialsOf(program).map(({ data }) => data)).toEqual([
      [0, 0, 1],
      [0, 0, 1],
    ]);
  });

  it('does not expand where the terms would cancel', () => {
    // For x in [0, 8]: (x² − 8x + 15)² has terms up to 2^14.6 that cancel to at most 225; its
    // square again would have terms of 2^29.
    const program = recognised(({ input, add, polynomial }) => {
      let x = polynomial(input([1, 4], [0, 8]), [15, -8, 1]);
      for (let n = 0; n < 3; n++) x = add('nn.mul', [x, x]);
      return [x];
    });
    expect(polynomialsOf(program).length).toBeGreaterThan(1);
    expect(polynomialsOf(program)[0]!.data.length - 1).toBeLessThan(16);
  });

  it('keeps products of unrelated values and of other shapes', () => {
    const program = recognised(({ input, add }) => {
      const x = input([1, 3], [0, 1], 'a');
      const y = input([1, 3], [0, 1], 'b');
      const z = input([3, 1], [0, 1], 'c');
      return [add('nn.mul', [x, y]), add('nn.mul', [x, z])];
    });
    expect(opsOf(program)).toEqual(['input', 'input', 'input', 'mul', 'mul']);
  });

  it('drops what cancels', () => {
    const program = recognised(({ input, add }) => {
      const x = input([1, 4]);
      const square = add('nn.mul', [x, x]);
      const sum = add('nn.add', [square, add('nn.mul', [square, x])]);
      return [add('nn.sub', [sum, square])];
    });
    expect(polynomialsOf(program).map(({ data }) => data)).toEqual([[0, 0, 0, 1]]);
  });
});
