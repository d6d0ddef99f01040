import { describe, expect, it } from 'vitest';
import { constantAttribute } from '../../src/ir/attribute-values.ts';
import foldBatchNorm from '../../src/passes/fold-batch-norm.ts';
import { runPass } from '../support/pass-context.ts';
import { expectSameAnswers } from '../support/same-semantics.ts';
import { opsOf, writeProgram } from '../support/small-programs.ts';
import type { Writer } from '../support/small-programs.ts';

function batchNorm({ add, random }: Writer, x: number, channels: number): number {
  return add('nn.batch-norm', [x], {
    scale: random([channels], -2, 2),
    bias: random([channels]),
    mean: random([channels]),
    variance: random([channels], 0.01, 2),
    epsilon: 1e-3,
  });
}

function folded(
  body: (writer: Writer) => readonly number[],
): ReturnType<typeof runPass>['program'] {
  const before = writeProgram(body);
  const { program } = runPass(foldBatchNorm, before);
  expectSameAnswers(before, program, 1, 2e-6);
  return program;
}

describe('fold-batch-norm', () => {
  it('folds into a convolution and keeps float32 weights', () => {
    const program = folded((writer) => [
      batchNorm(writer, writer.conv(writer.input([1, 2, 4, 4]), 2, 3), 3),
    ]);
    expect(opsOf(program)).toEqual(['input', 'conv']);
    const conv = program.operations[1]!;
    expect(conv.location).toBe('conv0');
    const weights = constantAttribute(program, conv, 'weights').data;
    expect(weights.every((weight) => weight === Math.fround(weight))).toBe(true);
  });

  it('folds two in a row into a dense layer without a bias', () => {
    const program = folded((writer) => {
      const x = writer.add('nn.dense', [writer.input([1, 4])], {
        weights: writer.random([4, 3]),
        bias: null,
      });
      return [batchNorm(writer, batchNorm(writer, x, 3), 3)];
    });
    expect(opsOf(program)).toEqual(['input', 'dense']);
  });

  it('leaves one whose layer is read elsewhere, is no layer, or has its channels on another axis', () => {
    const shared = folded((writer) => {
      const x = writer.conv(writer.input([1, 2, 4, 4]), 2, 3);
      return [batchNorm(writer, x, 3), x];
    });
    expect(opsOf(shared)).toEqual(['input', 'conv', 'batch-norm']);
    const first = folded((writer) => [batchNorm(writer, writer.input([1, 2, 4, 4]), 2)]);
    expect(opsOf(first)).toEqual(['input', 'batch-norm']);
    const rows = folded((writer) => [
      batchNorm(writer, writer.dense(writer.input([1, 3, 4]), 4, 3), 3),
    ]);
    expect(opsOf(rows)).toEqual(['input', 'dense', 'batch-norm']);
  });
});
