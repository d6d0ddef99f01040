import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  broadcastShapes,
  broadcastStrides,
  broadcastTo,
  scalar,
  tensor,
  tensorBounds,
  zipTensors,
} from '../../src/ir/tensor.ts';
import type { Tensor } from '../../src/ir/tensor.ts';
import { elementCount, rowMajorStrides } from '../../src/layout/layout.ts';

const shapes = fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 4 });

function counting(shape: readonly number[]): Tensor {
  return tensor(
    shape,
    Array.from({ length: elementCount(shape) }, (_, n) => n),
  );
}

/** Element of a tensor broadcast to a shape, by numpy's definition. */
function elementAt(value: Tensor, index: readonly number[]): number {
  const strides = rowMajorStrides(value.shape);
  const skip = index.length - value.shape.length;
  return value.data[
    value.shape.reduce(
      (at, extent, k) => at + (extent === 1 ? 0 : index[skip + k]!) * strides[k]!,
      0,
    )
  ]!;
}

function indices(shape: readonly number[]): number[][] {
  return shape.reduce<number[][]>(
    (list, extent) =>
      list.flatMap((index) => Array.from({ length: extent }, (_, n) => [...index, n])),
    [[]],
  );
}

describe('broadcasting', () => {
  it('follows the definition', () => {
    fc.assert(
      fc.property(
        shapes,
        fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }),
        fc.nat(4),
        (shape, ones, drop) => {
          const from = shape.map((extent, k) => (ones[k] === true ? 1 : extent)).slice(drop);
          const value = counting(from);
          const wide = broadcastTo(value, shape);
          expect(wide.shape).toEqual(shape);
          expect([...wide.data]).toEqual(indices(shape).map((index) => elementAt(value, index)));
          expect(broadcastShapes(from, shape)).toEqual(shape);
          expect(broadcastShapes(shape, from)).toEqual(shape);
        },
      ),
      { numRuns: 300, seed: 1 },
    );
  });

  it('of two tensors is symmetric in shape, and null where an extent differs', () => {
    expect(broadcastShapes([3, 1], [1, 4])).toEqual([3, 4]);
    expect(broadcastShapes([], [2])).toEqual([2]);
    expect(broadcastShapes([2], [3])).toBeNull();
    expect(broadcastStrides([2], [3])).toBeNull();
    expect(broadcastStrides([1, 2], [2])).toBeNull();
    expect(broadcastStrides([3, 1], [3, 4])).toEqual([1, 0]);
  });

  it('zips', () => {
    const sum = zipTensors(counting([2, 1]), counting([3]), (x, y) => 10 * x + y);
    expect(sum).toEqual(tensor([2, 3], [0, 1, 2, 10, 11, 12]));
    expect(() => zipTensors(counting([2]), counting([3]), (x) => x)).toThrow('do not broadcast');
  });
});

it('a tensor has as many elements as its shape says', () => {
  expect(() => tensor([2, 2], [1, 2, 3])).toThrow('tensor [2,2] of 3 elements');
  expect(scalar(4)).toEqual({ shape: [], data: Float64Array.of(4) });
  expect(tensorBounds(tensor([3], [2, -1, 0]))).toEqual([-1, 2]);
});
