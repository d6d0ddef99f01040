import { describe, expect, test } from 'vitest';
import { CipherloomError } from '../../../src/errors.ts';
import { typedOperation } from '../../../src/ir/build.ts';
import type { Attributes } from '../../../src/ir/program.ts';
import { tensor } from '../../../src/ir/tensor.ts';
import type { Tensor } from '../../../src/ir/tensor.ts';
import type { Type } from '../../../src/ir/types.ts';

function value(shape: readonly number[], lo: number, hi: number): Type {
  return { kind: 'tensor', shape, range: { lo, hi, source: 'declared' } };
}

function typed(
  op: string,
  operands: readonly Type[],
  attributes: Attributes,
  constants: Readonly<Record<string, Tensor>> = {},
): Type {
  const ids = operands.map((_, n) => n);
  const table = new Map(Object.entries(constants));
  return typedOperation(op, ids, attributes, operands, table, null, 'node').type;
}

function polynomialRange(
  coefficients: readonly number[],
  lo: number,
  hi: number,
): readonly number[] {
  const c = tensor([coefficients.length], coefficients);
  const { range } = typed('nn.polynomial', [value([1, 4], lo, hi)], { coefficients: '@c' }, { c });
  return [range!.lo, range!.hi];
}

describe('ranges of polynomials', () => {
  test.each([
    ['x² over zero', [0, 0, 1], -3, 2, [0, 9]],
    ['x² beside zero', [0, 0, 1], 1, 2, [1, 4]],
    ['x³', [0, 0, 0, 1], -2, 3, [-8, 27]],
    ['x⁴ over zero', [0, 0, 0, 0, 1], -2, 1, [0, 16]],
    ['x² − x: the vertex', [0, -1, 1], 0, 2, [-0.25, 2]],
    ['1 − x²: the vertex on top', [1, 0, -1], -1, 2, [-3, 1]],
    ['a constant', [5], -1, 1, [5, 5]],
  ])('%s is exact', (_, coefficients, lo, hi, expected) => {
    expect(polynomialRange(coefficients, lo, hi)).toEqual(expected);
  });

  test('a Chebyshev polynomial of degree 7 stays near its true range', () => {
    const [lo, hi] = polynomialRange([0, -7, 0, 56, 0, -112, 0, 64], -1, 1);
    expect(lo).toBeLessThanOrEqual(-1);
    expect(hi).toBeGreaterThanOrEqual(1);
    // Plain interval arithmetic gives ±239.
    expect(hi! - lo!).toBeLessThan(8);
  });

  test('each channel has its own', () => {
    const c = tensor([3, 2, 1], [0, 1, 0, 0, 1, -1]);
    const { range } = typed(
      'nn.polynomial',
      [value([1, 2, 3], -1, 3)],
      { coefficients: '@c' },
      { c },
    );
    expect(range).toMatchObject({ lo: -8, hi: 9 });
  });
});

test('padding of zeros widens the range of a pool that counts it', () => {
  const pool = {
    kernelShape: [2],
    strides: [1],
    dilations: [1],
    pads: [1, 0],
    ceilMode: false,
  };
  const x = value([1, 1, 4], 2, 3);
  expect(typed('nn.average-pool', [x], { ...pool, countIncludePad: true }).range).toMatchObject({
    lo: 0,
    hi: 3,
  });
  expect(typed('nn.average-pool', [x], { ...pool, countIncludePad: false }).range).toMatchObject({
    lo: 2,
    hi: 3,
  });
});

test('leakyRelu of a negative slope turns at zero', () => {
  const attributes = { function: 'leakyRelu', parameters: { slope: -1 } };
  expect(typed('nn.activation', [value([2], -3, 2)], attributes).range).toMatchObject({
    lo: 0,
    hi: 3,
  });
});

describe('what does not fit is refused by name, never as a bug', () => {
  const image = value([1, 2, 5, 5], 0, 1);
  const conv = {
    weights: '@w',
    bias: null,
    strides: [1, 1],
    dilations: [1, 1],
    pads: [0, 0, 0, 0],
    groups: 1,
  };
  const pool = {
    kernelShape: [2, 2],
    strides: [1, 1],
    dilations: [1, 1],
    pads: [0, 0, 0, 0],
    ceilMode: false,
  };
  const w = tensor([1, 2, 3, 3], new Float64Array(18));
  const two = tensor([2], [1, 2]);
  const norm = { scale: '@c', bias: '@c', mean: '@c', variance: '@c', epsilon: 0 };

  test.each<[string, string, readonly Type[], Attributes, Record<string, Tensor>]>([
    [
      'a window larger than its input',
      'nn.conv',
      [image],
      conv,
      { w: tensor([1, 2, 6, 6], new Float64Array(72)) },
    ],
    ['pads of another rank', 'nn.conv', [image], { ...conv, pads: [0, 0] }, { w }],
    ['channels', 'nn.conv', [image], { ...conv, groups: 2 }, { w }],
    ['a bias of another length', 'nn.conv', [image], { ...conv, bias: '@b' }, { w, b: two }],
    ['weights of rank 1', 'nn.conv', [image], conv, { w: two }],
    ['no channel axis', 'nn.conv', [value([5], 0, 1)], conv, { w }],
    ['a window of padding alone', 'nn.max-pool', [image], { ...pool, pads: [2, 0, 0, 0] }, {}],
    [
      'dense weights',
      'nn.dense',
      [image],
      { weights: '@w', bias: null },
      { w: tensor([4, 2], new Float64Array(8)) },
    ],
    ['dense weights of rank 1', 'nn.dense', [image], { weights: '@w', bias: null }, { w: two }],
    ['statistics', 'nn.batch-norm', [value([1, 3], 0, 1)], norm, { c: two }],
    [
      'a variance of zero',
      'nn.batch-norm',
      [value([1, 2], 0, 1)],
      norm,
      { c: tensor([2], [1, 0]) },
    ],
    [
      'coefficients',
      'nn.polynomial',
      [image],
      { coefficients: '@c' },
      { c: tensor([2, 3], new Float64Array(6)) },
    ],
    ['a reshape', 'nn.reshape', [image], { shape: [7] }, {}],
    ['a permutation', 'nn.transpose', [image], { permutation: [0, 0, 1, 2] }, {}],
    [
      'pads that leave nothing',
      'nn.pad',
      [image],
      { pads: [0, 0, -5, 0, 0, 0, 0, 0], value: 0 },
      {},
    ],
    [
      'a slice outside',
      'nn.slice',
      [value([3], 0, 1)],
      { starts: [1], steps: [2], shape: [2] },
      {},
    ],
    ['a step of zero', 'nn.slice', [value([3], 0, 1)], { starts: [1], steps: [0], shape: [2] }, {}],
    ['an axis', 'nn.concat', [image, image], { axis: 4 }, {}],
    ['axes twice', 'nn.reduce-mean', [image], { axes: [1, 1], keepDims: true }, {}],
    ['shapes that do not broadcast', 'nn.add', [image, value([3], 0, 1)], {}, {}],
    ['a factor that does not broadcast', 'nn.scale', [image], { factor: '@f' }, { f: two }],
    ['a softmax axis', 'nn.softmax', [image], { axis: 4 }, {}],
    ['parameters', 'nn.activation', [image], { function: 'relu', parameters: { slope: 1 } }, {}],
  ])('%s (%s)', (_, op, operands, attributes, constants) => {
    try {
      typed(op, operands, attributes, constants);
    } catch (error) {
      expect(error).toBeInstanceOf(CipherloomError);
      expect(['SHAPE_MISMATCH', 'IR_INVALID']).toContain((error as CipherloomError).code);
      expect((error as CipherloomError).node).toBe('node');
      return;
    }
    throw new Error('nothing was thrown');
  });
});
