import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defineProgram } from '../../../src/frontend/dsl/index.ts';
import type { Padding, ProgramTools, Shaped, Value } from '../../../src/frontend/dsl/index.ts';
import { methods } from '../../../src/frontend/dsl/methods/index.ts';
import { activationFunction, activationNames } from '../../../src/ir/nn/activation-functions.ts';
import { interpret } from '../../../src/ir/interpret.ts';
import { elementCount } from '../../../src/layout/layout.ts';
import { errorOf } from '../../support/error-of.ts';

interface Result {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

/** What a program of one input computes. */
function run(
  shape: readonly number[],
  data: readonly number[],
  build: (x: Value, tools: ProgramTools) => Shaped,
): Result {
  const { program } = defineProgram('test', (tools) => ({
    y: build(tools.input('x', shape, { range: [-100, 100] }), tools),
  })).build();
  const x = { kind: 'tensor', tensor: { shape, data: Float64Array.from(data) } } as const;
  const y = interpret(program, new Map([['x', x]])).get('y');
  if (y?.kind !== 'tensor') throw new Error('no result');
  return { shape: y.tensor.shape, data: [...y.tensor.data] };
}

function ramp(shape: readonly number[]): number[] {
  return Array.from({ length: elementCount(shape) }, (_, n) => ((n * 7) % 11) / 4 - 1);
}

const x23 = [1, 2, 3, 4, 5, 6];

describe('methods', () => {
  const cases: [string, (x: Value, tools: ProgramTools) => Shaped, Result][] = [
    ['add', (x) => x.add(1), { shape: [2, 3], data: [2, 3, 4, 5, 6, 7] }],
    ['sub', (x) => x.sub([1, 2, 3]), { shape: [2, 3], data: [0, 0, 0, 3, 3, 3] }],
    ['mul', (x) => x.mul(x), { shape: [2, 3], data: [1, 4, 9, 16, 25, 36] }],
    ['div', (x) => x.div([[2], [4]]), { shape: [2, 3], data: [0.5, 1, 1.5, 1, 1.25, 1.5] }],
    ['neg', (x) => x.neg(), { shape: [2, 3], data: [-1, -2, -3, -4, -5, -6] }],
    ['square', (x) => x.square(), { shape: [2, 3], data: [1, 4, 9, 16, 25, 36] }],
    ['pow', (x) => x.pow(3), { shape: [2, 3], data: [1, 8, 27, 64, 125, 216] }],
    ['polynomial', (x) => x.polynomial([1, 0, 2]), { shape: [2, 3], data: [3, 9, 19, 33, 51, 73] }],
    ['matmul', (x) => x.matmul([[1], [0], [2]]), { shape: [2, 1], data: [7, 16] }],
    ['dense', (x) => x.dense([[1], [0], [2]], [10]), { shape: [2, 1], data: [17, 26] }],
    ['linear', (x) => x.linear([[1, 0, 2]], [10]), { shape: [2, 1], data: [17, 26] }],
    ['conv2d', (x) => x.conv2d([[1, 10]]), { shape: [2, 2], data: [21, 32, 54, 65] }],
    ['avgPool2d', (x) => x.avgPool2d([2, 1]), { shape: [1, 3], data: [2.5, 3.5, 4.5] }],
    ['sum', (x) => x.sum(0), { shape: [3], data: [5, 7, 9] }],
    ['mean', (x) => x.mean(-1, { keepDims: true }), { shape: [2, 1], data: [2, 5] }],
    ['roll', (x) => x.roll(1, 1), { shape: [2, 3], data: [3, 1, 2, 6, 4, 5] }],
    ['slice', (x) => x.slice(1, -1, undefined, -2), { shape: [2, 2], data: [3, 1, 6, 4] }],
    ['concat', (x) => x.concat(x, 0), { shape: [4, 3], data: [...x23, ...x23] }],
    ['reshape', (x) => x.reshape([-1, 2]), { shape: [3, 2], data: x23 }],
    ['flatten', (x) => x.flatten(), { shape: [6], data: x23 }],
    ['transpose', (x) => x.transpose(), { shape: [3, 2], data: [1, 4, 2, 5, 3, 6] }],
    [
      'pad',
      (x) => x.pad([[1, 0], [0, -1]], 9), // prettier-ignore
      { shape: [3, 2], data: [9, 9, 1, 2, 4, 5] },
    ],
    [
      'repeat',
      (x) => x.repeat(2, 0),
      { shape: [4, 3], data: [1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6] },
    ],
    ['tile', (x) => x.tile([1, 2]), { shape: [2, 6], data: [1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6] }],
    ['expand', (x) => x.expand([2, 2, 3]), { shape: [2, 2, 3], data: [...x23, ...x23] }],
    ['argMax', (x) => x.argMax(), { shape: [2], data: [2, 2] }],
    ['constant on the left', (x, { constant }) => constant(1).sub(x), { shape: [2, 3], data: [0, -1, -2, -3, -4, -5] }], // prettier-ignore
    ['tensor as a constant', (x) => x.add({ shape: [3], data: Float32Array.of(1, 2, 3) }), { shape: [2, 3], data: [2, 4, 6, 5, 7, 9] }], // prettier-ignore
  ];

  it.each(cases)('%s', (_, build, expected) => {
    const { shape, data } = run([2, 3], x23, build);
    expect(shape).toEqual(expected.shape);
    data.forEach((value, n) => {
      expect(value).toBeCloseTo(expected.data[n]!, 12);
    });
  });

  it('are all tried above, or are activations or softmax', () => {
    const tried = new Set(cases.map(([name]) => name));
    const others = Object.keys(methods).filter((name) => !tried.has(name));
    expect(others.sort()).toEqual([...activationNames, 'logSoftmax', 'softmax'].sort());
  });

  it('softmax and logSoftmax along an axis', () => {
    const soft = run([2, 3], x23, (x) => x.softmax(0)).data;
    const high = 1 / (1 + Math.exp(-3));
    soft.forEach((value, n) => {
      expect(value).toBeCloseTo(n < 3 ? 1 - high : high, 12);
    });
    const log = run([2, 3], x23, (x) => x.logSoftmax(0)).data;
    log.forEach((value, n) => {
      expect(value).toBeCloseTo(Math.log(soft[n]!), 12);
    });
  });

  it.each(activationNames)('activation %s', (name) => {
    const { evaluate, parameters, domain } = activationFunction(name);
    const values = Object.fromEntries(Object.keys(parameters).map((each, k) => [each, 1 + k]));
    const data = [0.125, 0.5, 0.875].filter((x) => domain === undefined || domain(x, values) !== null); // prettier-ignore
    const points = data.length > 0 ? data : [1.5, 2];
    const { data: got } = run([points.length], points, (x) => {
      const method = x[name] as (this: Value, ...given: readonly object[]) => Value;
      return Object.keys(values).length === 0 ? method.call(x) : method.call(x, values);
    });
    expect(got).toEqual(points.map((point) => evaluate(point, values)));
  });
});

describe('laws', () => {
  const extent = fc.integer({ min: 1, max: 5 });
  const matrix = fc.tuple(extent, extent);

  it('rolls add up', () => {
    fc.assert(
      fc.property(
        matrix,
        fc.integer(),
        fc.integer(),
        fc.constantFrom(0, 1, -1),
        (shape, a, b, axis) => {
          const data = ramp(shape);
          const [p, q] = [a % 100, b % 100];
          const twice = run(shape, data, (x) => x.roll(p, axis).roll(q, axis));
          expect(twice).toEqual(run(shape, data, (x) => x.roll(p + q, axis)));
        },
      ),
    );
  });

  it('operations among constants give what they give among inputs', () => {
    const unary = fc.constantFrom<(x: Value) => Value>(
      (x) => x.square(),
      (x) => x.polynomial([1, -2, 0.5]),
      (x) => x.tanh(),
      (x) => x.mul(x).add(3),
      (x) => x.transpose(),
      (x) => x.roll(1, 0).sum(1, { keepDims: true }),
      (x) => x.conv2d([[1, 2]], { padding: 'same' }),
      (x) => x.matmul(Array.from({ length: x.shape[1]! }, (_, n) => [n + 1])),
    );
    fc.assert(
      fc.property(matrix, unary, (shape, f) => {
        const data = ramp(shape);
        const encrypted = run(shape, data, f);
        const constant = run([1], [0], (zero, tools) =>
          zero.add(f(tools.constant({ shape, data })) as never),
        );
        expect(constant.data.length).toBe(encrypted.data.length);
        constant.data.forEach((value, n) => {
          expect(value).toBeCloseTo(encrypted.data[n]!, 12);
        });
      }),
    );
  });

  it('conv2d is a cross-correlation, whatever padding, stride, dilation and groups', () => {
    const setting = fc.record({
      groups: fc.constantFrom(1, 2),
      perGroup: fc.integer({ min: 1, max: 2 }),
      maps: fc.integer({ min: 1, max: 2 }),
      kernel: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
      size: fc.tuple(fc.integer({ min: 5, max: 7 }), fc.integer({ min: 5, max: 7 })),
      stride: fc.tuple(fc.integer({ min: 1, max: 2 }), fc.integer({ min: 1, max: 2 })),
      dilation: fc.integer({ min: 1, max: 2 }),
      padding: fc.constantFrom<Padding>('valid', 'same', 1, [0, 2]),
    });
    fc.assert(
      fc.property(setting, (s) => {
        const { groups, perGroup, kernel, size, stride, dilation, padding } = s;
        const shape = [groups * perGroup, ...size];
        const maps = groups * s.maps;
        const weights = {
          shape: [maps, perGroup, ...kernel],
          data: ramp([maps, perGroup, ...kernel]),
        };
        const data = ramp(shape);
        const bias = Array.from({ length: maps }, (_, m) => m / 2);
        const got = run(shape, data, (x) =>
          x.conv2d(weights as never, { padding, stride, dilation, groups, bias }),
        );
        const span = kernel.map((k) => dilation * (k - 1) + 1);
        const before = size.map((extent, axis) => {
          if (padding === 'valid') return [0, 0];
          if (padding !== 'same')
            return [padding, padding].map((p) => (typeof p === 'number' ? p : p[axis]!));
          const total = Math.max(
            0,
            (Math.ceil(extent / stride[axis]!) - 1) * stride[axis]! + span[axis]! - extent,
          );
          return [Math.floor(total / 2), Math.ceil(total / 2)];
        });
        const out = size.map(
          (extent, axis) =>
            Math.floor(
              (extent + before[axis]![0]! + before[axis]![1]! - span[axis]!) / stride[axis]!,
            ) + 1,
        );
        expect(got.shape).toEqual([maps, ...out]);
        got.data.forEach((value, n) => {
          const column = n % out[1]!;
          const row = Math.floor(n / out[1]!) % out[0]!;
          const map = Math.floor(n / out[1]! / out[0]!);
          let sum = bias[map]!;
          for (let c = 0; c < perGroup; c++) {
            for (let i = 0; i < kernel[0]; i++) {
              for (let j = 0; j < kernel[1]; j++) {
                const y = row * stride[0] + i * dilation - before[0]![0]!;
                const x = column * stride[1] + j * dilation - before[1]![0]!;
                if (y < 0 || x < 0 || y >= size[0] || x >= size[1]) continue;
                const channel = Math.floor(map / s.maps) * perGroup + c;
                sum +=
                  weights.data[((map * perGroup + c) * kernel[0] + i) * kernel[1] + j]! *
                  data[(channel * size[0] + y) * size[1] + x]!;
              }
            }
          }
          expect(value).toBeCloseTo(sum, 10);
        });
      }),
    );
  });
});

describe('programs', () => {
  const fault = (build: (tools: ProgramTools) => unknown) =>
    errorOf(() => defineProgram('test', build as (tools: ProgramTools) => { y: Shaped }).build());

  it.each<[string, (tools: ProgramTools) => unknown, RegExp]>([
    ['no outputs', () => ({}), /no outputs/],
    ['nothing', () => undefined, /no outputs/],
    ['a value without a name', ({ input }) => input('x', [2]), /without a name/],
    ['something that is no value', () => ({ y: 1 }), /"y" is not a value/],
    ['a constant', ({ constant }) => ({ y: constant(1) }), /does not depend on an input/],
    ['a promise', async ({ input }) => ({ y: input('x', [2]) }), /async/],
  ])('returning %s', (_, build, message) => {
    const error = fault(build);
    expect(error.code).toBe('PROGRAM_INVALID');
    expect(error.message).toMatch(message);
    expect(error.node).toMatch(/^methods\.test\.ts:\d+$/);
  });

  it.each<[string, (tools: ProgramTools) => unknown, RegExp]>([
    ['two inputs of one name', ({ input }) => [input('x', [1]), input('x', [1])], /"x" already/],
    ['a shape with 0', ({ input }) => input('x', [0]), /whole numbers from 1/],
    ['a range that is empty', ({ input }) => input('x', [1], { range: [1, 0] }), /range of "x"/],
    ['a ragged constant', ({ constant }) => constant([[1], [2, 3]]), /rows differ/],
    ['a constant that is not finite', ({ constant }) => constant([1, NaN]), /element 1 is NaN/],
    ['a tensor of too few elements', ({ constant }) => constant({ shape: [3], data: [1] }), /3 elements/], // prettier-ignore
    ['division by zero', ({ input }) => input('x', [2]).div([1, 0]), /divisor is 0/],
    ['a wrong argument', ({ input }) => input('x', [2]).slice('a' as never, 0), /axis/],
    ['a window beyond the image', ({ input }) => input('x', [2, 2]).conv2d([[1], [1], [1]]), /does not fit/], // prettier-ignore
  ])('with %s', (_, build, message) => {
    const error = fault(build);
    expect(error.exit).toBe(3);
    expect(error.message).toMatch(message);
  });

  it('refuse values of another program', () => {
    let other: Value | null = null;
    defineProgram('other', ({ input }) => ({ y: (other = input('x', [2])) })).build();
    expect(fault(({ input }) => ({ y: input('x', [2]).add(other!) })).message).toMatch(
      /another program/,
    );
  });

  it('bound inputs before anything is allocated', () => {
    expect(fault(({ input }) => ({ y: input('x', [2 ** 20, 2 ** 20]) })).code).toBe(
      'RESOURCE_LIMIT',
    );
  });

  it('take ranges from the request, and warn where there is none', () => {
    const program = defineProgram('test', ({ input }) => ({ y: input('x', [2]).square() }));
    expect(program.build().warnings.map(({ id }) => id)).toEqual(['INPUT_RANGE_ASSUMED']);
    const { program: built, warnings } = program.build({ inputRanges: { x: [-3, 3] } });
    expect(warnings).toEqual([]);
    expect(built.operations[0]?.type.range).toMatchObject({ lo: -3, hi: 3 });
    expect(errorOf(() => program.build({ inputRanges: { z: [0, 1] } })).code).toBe('USAGE');
    expect(errorOf(() => program.build({ inputShapes: { x: [3] } })).code).toBe('SHAPE_MISMATCH');
  });
});
