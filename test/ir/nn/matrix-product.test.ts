import fc from 'fast-check';
import { expect, test } from 'vitest';
import { addMatrixProduct } from '../../../src/ir/nn/matrix-product.ts';
import { randomSource, randomValues } from '../../support/random.ts';

test('every element is the sum in order, for all sizes, and nothing else is touched', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 11 }),
      fc.integer({ min: 0, max: 7 }),
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 0, max: 3 }),
      fc.nat(),
      (rows, depth, positions, gap, seed) => {
        const random = randomSource(seed);
        const stride = positions + gap;
        const weights = randomValues(random, 2 + rows * depth);
        const columns = randomValues(random, depth * stride);
        const before = randomValues(random, 3 + rows * stride);
        const data = before.slice();
        addMatrixProduct(
          { data, start: 3, stride },
          { data: weights, start: 2 },
          { data: columns, stride },
          { rows, depth, positions },
        );
        const expected = before.slice();
        for (let m = 0; m < rows; m++) {
          for (let p = 0; p < positions; p++) {
            for (let k = 0; k < depth; k++) {
              expected[3 + m * stride + p]! +=
                weights[2 + m * depth + k]! * columns[k * stride + p]!;
            }
          }
        }
        expect(data).toEqual(expected);
      },
    ),
    { numRuns: 200, seed: 5 },
  );
});
