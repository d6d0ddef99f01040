/** Positions and inputs of windows in closed form, against trying every one. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { inputsOf } from '../../../src/ir/nn/pool.ts';
import { spatialRuns } from '../../../src/ir/nn/window.ts';

const small = (min: number, max: number) => fc.integer({ min, max });
const axis = fc.record({
  extent: small(1, 9),
  kernel: small(1, 6),
  stride: small(1, 4),
  dilation: small(1, 3),
  pad: small(0, 6),
  positions: small(1, 9),
});

test('inputs of a window along one axis', () => {
  fc.assert(
    fc.property(axis, small(0, 8), ({ extent, kernel, stride, dilation, pad }, position) => {
      const window = windowOf([{ kernel, stride, dilation, pad }]);
      const inside = Array.from(
        { length: kernel },
        (_, k) => position * stride - pad + k * dilation,
      );
      expect(inputsOf(extent, position, 0, window)).toBe(
        inside.filter((i) => i >= 0 && i < extent).length,
      );
    }),
  );
});

test('positions whose input is not padding', () => {
  fc.assert(
    fc.property(fc.array(axis, { minLength: 1, maxLength: 3 }), small(0, 5), (axes, k) => {
      const index = axes.map(({ kernel }) => k % kernel);
      const input = axes.map(({ extent }) => extent);
      const output = axes.map(({ positions }) => positions);
      const runs = spatialRuns(input, output, windowOf(axes), index);
      const found = Array.from(runs.out).flatMap((out, r) =>
        Array.from({ length: runs.count[r]! }, (_, n) => [
          out + n,
          runs.input[r]! + n * runs.stride,
        ]),
      );
      // Every position, its input along each axis, and both as flat indices.
      const all = output.reduce<number[][]>(
        (list, count) =>
          list.flatMap((at) => Array.from({ length: count }, (_, position) => [...at, position])),
        [[]],
      );
      const expected = all.flatMap((position, flat) => {
        const inputs = position.map(
          (o, a) => o * axes[a]!.stride + index[a]! * axes[a]!.dilation - axes[a]!.pad,
        );
        if (inputs.some((i, a) => i < 0 || i >= input[a]!)) return [];
        return [[flat, inputs.reduce((sum, i, a) => sum * input[a]! + i, 0)]];
      });
      expect(found).toEqual(expected);
    }),
  );
});

function windowOf(
  axes: readonly { kernel: number; stride: number; dilation: number; pad: number }[],
) {
  const pads = axes.map(({ pad }) => pad);
  return {
    kernel: axes.map(({ kernel }) => kernel),
    strides: axes.map(({ stride }) => stride),
    dilations: axes.map(({ dilation }) => dilation),
    pads: [...pads, ...pads],
    ceilMode: false,
  };
}
