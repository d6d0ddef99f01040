import { describe, expect, test } from 'vitest';
import { postprocess, type Tensor } from '../../src/client/postprocess.ts';

// Reference values: scipy.special.softmax and log_softmax.
const tensor: Tensor = { shape: [1, 2, 3], data: Float64Array.of(1, 2, 3, -1, 0, 1000) };

describe('softmax', () => {
  test('along the last axis', () => {
    const { data, shape } = postprocess(tensor, { op: 'softmax', axis: -1 });
    expect(shape).toEqual([1, 2, 3]);
    [0.09003057317038046, 0.24472847105479764, 0.6652409557748218, 0, 0, 1].forEach((p, i) => {
      expect(data[i]).toBeCloseTo(p, 14);
    });
  });

  test('along a middle axis, with numbers that would overflow', () => {
    const { data } = postprocess(tensor, { op: 'softmax', axis: 1 });
    const e2 = 1 / (1 + Math.exp(-2));
    [e2, e2, 0, 1 - e2, 1 - e2, 1].forEach((p, i) => {
      expect(data[i]).toBeCloseTo(p, 14);
    });
  });
});

test('logSoftmax', () => {
  const { data } = postprocess(tensor, { op: 'logSoftmax', axis: 2 });
  [-2.4076059644443806, -1.4076059644443804, -0.4076059644443804, -1001, -1000, 0].forEach(
    (p, i) => {
      expect(data[i]).toBeCloseTo(p, 12);
    },
  );
});

describe('topValues and topIndices', () => {
  const ties = { shape: [2, 4], data: Float64Array.of(1, 3, 3, 2, -1, -4, 0, -4) };

  test('in order, the first of equals first', () => {
    expect(postprocess(ties, { op: 'topValues', axis: 1, count: 3, smallest: false })).toEqual({
      shape: [2, 3],
      data: Float64Array.of(3, 3, 2, 0, -1, -4),
    });
    expect(postprocess(ties, { op: 'topIndices', axis: -1, count: 3, smallest: false })).toEqual({
      shape: [2, 3],
      data: Float64Array.of(1, 2, 3, 2, 0, 1),
    });
  });

  test('the smallest, along another axis', () => {
    expect(postprocess(ties, { op: 'topIndices', axis: 0, count: 1, smallest: true })).toEqual({
      shape: [1, 4],
      data: Float64Array.of(1, 1, 1, 1),
    });
    expect(postprocess(ties, { op: 'topValues', axis: 1, count: 2, smallest: true })).toEqual({
      shape: [2, 2],
      data: Float64Array.of(1, 2, -4, -4),
    });
  });
});

test('hardmax marks the first of the largest', () => {
  const ties = { shape: [4], data: Float64Array.of(1, 3, 3, 2) };
  expect(postprocess(ties, { op: 'hardmax', axis: 0 })).toEqual({
    shape: [4],
    data: Float64Array.of(0, 1, 0, 0),
  });
});

test('argMin takes the first of the smallest', () => {
  const ties = { shape: [1, 4], data: Float64Array.of(2, 1, 3, 1) };
  expect(postprocess(ties, { op: 'argMin', axis: 1 })).toEqual({
    shape: [1],
    data: Float64Array.of(1),
  });
});

describe('argMax', () => {
  test('drops the axis, or keeps it', () => {
    expect(postprocess(tensor, { op: 'argMax', axis: 2 })).toEqual({
      shape: [1, 2],
      data: Float64Array.of(2, 2),
    });
    expect(postprocess(tensor, { op: 'argMax', axis: 1, keepDims: true })).toEqual({
      shape: [1, 1, 3],
      data: Float64Array.of(0, 0, 1),
    });
  });

  test('takes the first of equal ones', () => {
    const ties = { shape: [4], data: Float64Array.of(1, 3, 3, 2) };
    expect(postprocess(ties, { op: 'argMax', axis: 0 })).toEqual({
      shape: [],
      data: Float64Array.of(1),
    });
  });
});
