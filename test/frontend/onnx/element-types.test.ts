import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeOnnx } from '../../../src/frontend/onnx/decode.ts';
import { formatOf, integerBounds } from '../../../src/frontend/onnx/element-types.ts';
import type { ElementType } from '../../../src/frontend/onnx/element-types.ts';
import { errorOf } from '../../support/error-of.ts';
import { encodeModel } from '../../support/onnx-model.ts';
import type { TestElementType, TestTensor } from '../../support/onnx-model.ts';

function read(tensor: TestTensor) {
  const bytes = encodeModel({
    inputs: { x: [1] },
    outputs: ['x'],
    initializers: { w: tensor },
    nodes: [],
  });
  return decodeOnnx(bytes, 'model.onnx').graph.initializers[0]!.read();
}

/** Numbers that each type holds exactly: its smallest, its largest, and some between. */
const exact: Readonly<Record<TestElementType, readonly number[]>> = {
  float32: [-1.5, 0, Math.fround(0.1), 3.4028234663852886e38, 2 ** -149],
  float64: [0.1, -1e-300, 2 ** 60],
  float16: [-65504, 65504, 2 ** -24, 0.0999755859375, -0.5],
  bfloat16: [-1.5, 0.10009765625, 3.3895313892515355e38, 2 ** -126],
  int64: [-(2 ** 53), -1, 0, 2 ** 53],
  uint64: [0, 1, 2 ** 53],
  int32: [-(2 ** 31), -1, 7, 2 ** 31 - 1],
  uint32: [0, 2 ** 31, 2 ** 32 - 1],
  int16: [-(2 ** 15), -1, 2 ** 15 - 1],
  uint16: [0, 255, 2 ** 16 - 1],
  int8: [-128, -1, 0, 127],
  uint8: [0, 127, 128, 255],
  int4: [-8, -1, 0, 7, 3],
  uint4: [0, 15, 8, 1, 2],
  bool: [0, 1, 1],
};

describe.each(Object.entries(exact))('%s', (name, data) => {
  const type = name as TestElementType;

  test.each([false, true])('is read from raw_data or, typed %s, from its own field', (typed) => {
    expect(read({ dims: [data.length], type, data, typed })).toEqual({
      tensor: { shape: [data.length], data: Float64Array.from(data) },
      elementType: type,
    });
  });

  test('too little data', () => {
    for (const typed of [false, true]) {
      const error = errorOf(() => read({ dims: [data.length + 2], type, data, typed }));
      expect(error.code).toBe('MODEL_INVALID');
      expect(error.message).toMatch(
        new RegExp(
          `^tensor "w" \\[${data.length + 2}\\]: ${data.length + 2} elements of ${type} need \\d+ bytes, it has \\d+$`,
        ),
      );
    }
  });

  test('keeps its own elements when it is cast to', () => {
    expect(data.map(formatOf(type).convert)).toEqual(data);
  });
});

describe('entries of int32_data that the type does not hold', () => {
  test.each<[TestElementType, number]>([
    ['int8', 128],
    ['int8', -129],
    ['uint8', 256],
    ['uint8', -1],
    ['int16', 2 ** 15],
    ['uint16', -1],
  ])('%s %i', (type, value) => {
    const error = errorOf(() => read({ dims: [2], type, data: [0, value], typed: true }));
    expect(error.code).toBe('MODEL_INVALID');
    expect(error.message).toBe(`tensor "w" [2]: entry 1 is ${value}, which is no ${type}`);
  });
});

describe('Cast', () => {
  test('integers wrap as two’s complement does', () => {
    const integers: readonly ElementType[] = [
      'int8',
      'uint8',
      'int16',
      'uint16',
      'int32',
      'uint32',
    ];
    fc.assert(
      fc.property(
        fc.constantFrom(...integers),
        fc.double({ min: -(2 ** 52), max: 2 ** 52, noNaN: true }),
        (type, value) => {
          const [lo, hi] = integerBounds(type);
          const cast = formatOf(type).convert(value);
          expect(cast).toBeGreaterThanOrEqual(lo);
          expect(cast).toBeLessThanOrEqual(hi);
          expect(Math.abs((Math.trunc(value) - cast) % (hi - lo + 1))).toBe(0);
        },
      ),
    );
  });

  test('bfloat16 is the nearest float32 with 8 bits of significand', () => {
    fc.assert(
      fc.property(fc.float({ noNaN: true, noDefaultInfinity: true }), (value) => {
        // Below are subnormal numbers, above is what rounds to infinity.
        fc.pre(value === 0 || (Math.abs(value) >= 2 ** -126 && Math.abs(value) < 3.38e38));
        const cast = formatOf('bfloat16').convert(value);
        expect(Math.abs(cast - value)).toBeLessThanOrEqual(Math.abs(value) * 2 ** -8);
        expect(formatOf('bfloat16').convert(cast)).toBe(cast);
      }),
    );
  });
});

test('NaN is refused wherever it stands, infinities are not', () => {
  for (const type of ['float32', 'float64', 'float16', 'bfloat16'] as const) {
    const error = errorOf(() => read({ dims: [3], type, data: [1, 2, NaN] }));
    expect(error).toMatchObject({ code: 'MODEL_INVALID', node: 'w', exit: 3 });
    expect(error.message).toBe('tensor "w" [3]: element 2 is NaN');
    expect(read({ dims: [2], type, data: [-Infinity, 1] }).tensor.data[0]).toBe(-Infinity);
  }
});

test('more than 64 axes, and a huge extent beside an empty one', () => {
  const many = errorOf(() => read({ dims: new Array<number>(65).fill(1), data: [1] }));
  expect(many.message).toContain('it has 65 axes, at most 64 are read');
  expect(many.message.length).toBeLessThan(200);
  const hidden = errorOf(() => read({ dims: [0, 2 ** 40], data: [] }));
  expect(hidden.message).toContain('more than 268435456 elements');
});
