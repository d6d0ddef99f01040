import { describe, expect, test } from 'vitest';
import { accuracyOf, compareResults, topClasses } from '../../../src/cli/protocol/compare.ts';
import type { ClientOutput } from '../../../src/layout/client-plan.ts';

function output(shape: readonly number[], more: Partial<ClientOutput> = {}): ClientOutput {
  return {
    name: 'y',
    shape,
    layout: {
      shape,
      slots: 8,
      ciphertexts: 1,
      origin: shape.map(() => 0),
      digits: [],
      unused: { kind: 'zero' },
    },
    level: 0,
    scale: 1,
    bound: 1,
    postprocess: [],
    ...more,
  };
}

const rows = (...images: readonly (readonly number[])[]) =>
  new Map([['y', images.map((image) => Float64Array.from(image))]]);

describe('compareResults', () => {
  test('measures bits against the largest reference of each image', () => {
    const { bits, precisionBits, worstElement } = compareResults(
      [output([1, 2])],
      rows([3.75, 1], [8, 3], [1, 2]),
      rows([4, 1], [8, 2], [1, 2]),
    );
    // 1/4 of 4, 1 of 8, and equal.
    expect(bits).toEqual([4, 3, null]);
    expect(precisionBits).toEqual({ worst: 3, mean: 3.5 });
    expect(worstElement).toEqual({ image: 1, output: 'y', index: 1, got: 3, expected: 2 });
  });

  test('has no bits where everything is equal', () => {
    const equal = compareResults([output([1, 2])], rows([1, 2]), rows([1, 2]));
    expect(equal).toMatchObject({
      bits: [null],
      precisionBits: { worst: null, mean: null },
      worstElement: null,
      agreement: 1,
    });
  });

  test('agrees on the first of equal largest values', () => {
    const { agrees, agreement } = compareResults(
      [output([1, 3])],
      rows([1, 5, 5], [0, 1, 2], [3, 2, 1]),
      rows([1, 5, 4], [0, 2, 1], [9, 2, 1]),
    );
    expect(agrees).toEqual([true, false, true]);
    expect(agreement).toBe(2 / 3);
  });

  test('has no agreement on an output of one number, which could never disagree', () => {
    const single = [output([1, 1])];
    expect(compareResults(single, rows([1]), rows([2]))).toMatchObject({
      agreement: null,
      bits: [1],
    });
    expect(topClasses(single, rows([1]))).toBeNull();
  });

  test('takes the values of an arg max for classes, not for measures', () => {
    const classes = [output([1, 4], { postprocess: [{ op: 'argMax', axis: 1 }] })];
    const compared = compareResults(classes, rows([3], [1]), rows([3], [2]));
    expect(compared).toMatchObject({ bits: [null, null], agreement: 0.5 });
    expect(topClasses(classes, rows([3], [1]))).toEqual([3, 1]);
  });
});

test('accuracyOf is the share of labels that are met', () => {
  expect(accuracyOf([1, 2, 3, 4], [1, 2, 0, 4])).toBe(0.75);
});
