import { describe, expect, it } from 'vitest';
import foldConstants from '../../src/passes/fold-constants.ts';
import { runPass } from '../support/pass-context.ts';
import { expectSameAnswers } from '../support/same-semantics.ts';
import { opsOf, writeProgram } from '../support/small-programs.ts';
import type { Writer } from '../support/small-programs.ts';

function foldedOps(body: (writer: Writer) => readonly number[]): string[] {
  const before = writeProgram(body);
  const { program } = runPass(foldConstants, before);
  expectSameAnswers(before, program, 1, 1e-12);
  return opsOf(program);
}

describe('fold-constants', () => {
  it('drops operators that do nothing', () => {
    const ops = foldedOps(({ input, add, constant, dense }) => {
      let x = add('nn.identity', [input([1, 4])]);
      x = add('nn.add-constant', [x], { value: constant([1], [0]) });
      x = add('nn.scale', [x], { factor: constant([1, 4], [1, 1, 1, 1]) });
      x = add('nn.reshape', [x], { shape: [1, 4] });
      x = add('nn.pad', [x], { pads: [0, 0, 0, 0], value: 3 });
      x = add('nn.transpose', [x], { permutation: [0, 1] });
      x = add('nn.slice', [x], { starts: [0, 0], steps: [1, 1], shape: [1, 4] });
      return [dense(add('nn.concat', [x], { axis: 1 }), 4, 2)];
    });
    expect(ops).toEqual(['input', 'dense']);
  });

  it('keeps an offset of zeros that repeats its operand', () => {
    const ops = foldedOps(({ input, add, constant }) => [
      add('nn.add-constant', [input([1, 4])], { value: constant([3, 1], [0, 0, 0]) }),
    ]);
    expect(ops).toEqual(['input', 'add-constant']);
  });

  it('merges chains, of three too', () => {
    const ops = foldedOps(({ input, add, constant }) => {
      let x = input([1, 4]);
      for (const factor of [2, 3, 5]) x = add('nn.scale', [x], { factor: constant([], [factor]) });
      for (const value of [2, 3, 5]) {
        x = add('nn.add-constant', [x], { value: constant([4], [value, 0, 1, value]) });
      }
      x = add('nn.negate', [add('nn.negate', [x])]);
      x = add('nn.reshape', [x], { shape: [1, 2, 2] });
      return [add('nn.reshape', [x], { shape: [1, 4, 1] })];
    });
    expect(ops).toEqual(['input', 'scale', 'add-constant', 'reshape']);
  });

  it('leaves a chain whose middle is read elsewhere', () => {
    const ops = foldedOps(({ input, add, constant }) => {
      const x = add('nn.scale', [input([1, 4])], { factor: constant([], [2]) });
      return [x, add('nn.scale', [x], { factor: constant([], [3]) })];
    });
    expect(ops).toEqual(['input', 'scale', 'scale']);
  });

  it('computes equal expressions once, also with equal constants of other names', () => {
    const ops = foldedOps(({ input, add, constant }) => {
      const x = input([1, 4]);
      const [a, b] = [1, 2].map(() => {
        const scaled = add('nn.scale', [x], { factor: constant([], [2]) });
        return add('nn.mul', [scaled, x]);
      });
      const other = add('nn.scale', [x], { factor: constant([1], [2]) });
      return [add('nn.add', [a!, b!]), other];
    });
    // The last scale differs in the shape of its constant.
    expect(ops).toEqual(['input', 'scale', 'mul', 'scale', 'add']);
  });
});
