/** Layouts of an input and of a result that let partial sums share the products of a dense layer. */
import { describe, expect, it } from 'vitest';
import type { LinearMap } from '../../../src/ir/linear-map.ts';
import { checkLayout } from '../../../src/layout/layout.ts';
import { inputCandidates, outputCandidates } from '../../../src/passes/packing/candidates.ts';
import type { Candidate } from '../../../src/passes/packing/candidates.ts';
import { distinctDiagonals } from '../../../src/passes/packing/plan-linear.ts';

function dense(inputs: number, outputs: number): LinearMap {
  return {
    inShape: [1, inputs],
    outShape: [1, outputs],
    weights: new Float64Array(inputs * outputs).fill(1),
    segments: [
      {
        out: 0,
        input: 0,
        weight: 0,
        loops: [
          { count: outputs, out: 1, input: 0, weight: inputs },
          { count: inputs, out: 0, input: 1, weight: 1 },
        ],
      },
    ],
  };
}

const named = (candidates: readonly Candidate[], name: string): Candidate => {
  const found = candidates.find((candidate) => candidate.name === name);
  if (found === undefined) throw new Error(`no candidate "${name}"`);
  return found;
};

const around = (parts: number): string => `row-major, planes padded, summed over ${parts} parts`;

describe('copies of an input that parts around the ring read evenly', () => {
  it.each([
    // Copies every 800 slots begin 0, 32, 64 and 96 slots behind a part of 128.
    { inputs: 784, outputs: 128, slots: 4096, copies: 4, stride: 800, diagonals: 32 },
    { inputs: 784, outputs: 128, slots: 8192, copies: 8, stride: 784, diagonals: 16 },
    { inputs: 100, outputs: 10, slots: 2048, copies: 16, stride: 101, diagonals: 1 },
  ])(
    '$inputs inputs, $outputs outputs, $slots slots: $copies copies every $stride',
    ({ inputs, outputs, slots, copies, stride, diagonals }) => {
      const map = dense(inputs, outputs);
      const input = named(
        inputCandidates([1, inputs], slots, map),
        'row-major image, copies staggered',
      ).layout;
      checkLayout(input);
      expect(input.digits[0]).toMatchObject({ of: 'copy', size: copies, stride });
      const parts = slots / 2 ** Math.ceil(Math.log2(outputs));
      const candidates = outputCandidates([1, outputs], slots, [map], [input]);
      const { layout, fold } = named(candidates, around(parts));
      const { rotation } = distinctDiagonals([map], [input], layout, fold);
      expect(rotation).toHaveLength(diagonals);
      const alone = { ...input, digits: input.digits.slice(1) };
      const without = distinctDiagonals([map], [alone], layout, fold).rotation.length;
      expect(without).toBeGreaterThanOrEqual(outputs);
    },
  );

  it('are not there where two do not fit', () => {
    const names = inputCandidates([1, 784], 1024, dense(784, 128)).map(({ name }) => name);
    expect(names).not.toContain('row-major image, copies staggered');
  });
});

describe('parts between the outputs', () => {
  it('take as many products as the matrix fills ciphertexts, from copies of a power of two', () => {
    const [slots, map] = [4096, dense(1024, 128)];
    const [copied] = outputCandidates([1, 1024], slots, [dense(128, 1024)], []).filter(
      ({ fold }) => fold !== null,
    );
    const input = copied!.layout;
    const candidates = outputCandidates([1, 128], slots, [map], [input]);
    const between = 'row-major, planes padded, spread, summed over 32 parts in between';
    const count = ({ layout, fold }: Candidate): number =>
      distinctDiagonals([map], [input], layout, fold).rotation.length;
    expect(count(named(candidates, around(32)))).toBe(128);
    expect(count(named(candidates, between))).toBe(32);
  });
});
