/**
 * What the editor refuses is refused when the program is built, at the same line. The type checker
 * reads this file (tsconfig.test.json): a `@ts-expect-error` without an error fails there.
 */
import { describe, expect, expectTypeOf, it } from 'vitest';
import { defineProgram } from '../../../src/frontend/dsl/index.ts';
import type { ProgramTools, Shaped, Value } from '../../../src/frontend/dsl/index.ts';
import { errorOf } from '../../support/error-of.ts';

const square = [
  [1, 2],
  [3, 4],
];

function errorIn(build: (tools: ProgramTools) => Shaped) {
  return errorOf(() => defineProgram('test', (tools) => ({ y: build(tools) })).build());
}

describe('shapes that do not fit', () => {
  const cases: Record<string, (tools: ProgramTools) => Shaped> = {
    'add of [1,64,64] and [1,32,32]': ({ input }) =>
      // @ts-expect-error the last two extents differ
      input('a', [1, 64, 64]).add(input('b', [1, 32, 32])),
    'mul of [2,3] and [2]': ({ input }) =>
      // @ts-expect-error axes align at the right
      input('a', [2, 3]).mul(input('b', [2])),
    'sub of a literal constant': ({ input }) =>
      // @ts-expect-error two numbers beside three
      input('a', [3]).sub([1, 2]),
    'matmul with too few rows': ({ input }) =>
      // @ts-expect-error 4 columns, 2 rows
      input('a', [1, 4]).matmul([
        [1, 2],
        [3, 4],
      ]),
    'linear with too few columns': ({ input }) =>
      // @ts-expect-error weights [n, k] with k = 2
      input('a', [4]).linear([
        [1, 2],
        [3, 4],
      ]),
    'concat of other extents': ({ input }) =>
      // @ts-expect-error axis 1 differs
      input('a', [1, 64]).concat(input('b', [1, 32]), 0),
    'concat of other ranks': ({ input }) =>
      // @ts-expect-error one axis more
      input('a', [1, 64]).concat(input('b', [1, 64, 1]), 0),
    'conv2d of a vector': ({ input }) =>
      // @ts-expect-error a vector is no image
      input('a', [64]).conv2d(square),
    'conv2d with a kernel of rank 1': ({ input }) =>
      // @ts-expect-error one row is no kernel
      input('a', [8, 8]).conv2d([1, 2, 3]),
    'avgPool2d of a vector': ({ input }) =>
      // @ts-expect-error a vector is no image
      input('a', [64]).avgPool2d(2),
    'expand to another extent': ({ input }) =>
      // @ts-expect-error 3 does not become 4
      input('a', [3]).expand([4]),
  };

  it.each(Object.entries(cases))('%s', (_, build) => {
    const error = errorIn(build);
    expect(['SHAPE_MISMATCH', 'PROGRAM_INVALID']).toContain(error.code);
    expect(error.exit).toBe(3);
    expect(error.node).toMatch(/^shapes\.test\.ts:\d+$/);
    expect(error.message.startsWith(`${error.node ?? '?'}: `)).toBe(true);
  });

  it('names the line of the call, inside helpers and loops too', () => {
    const lineOfNextCall = (): number => Number(/:(\d+):\d+\)?$/.exec(frame())?.[1]);
    const frame = (): string => new Error('here').stack?.split('\n')[3] ?? '';
    let line = 0;
    const error = errorIn(({ input }) => {
      let x: Value = input('x', [4]);
      for (let n = 0; n < 3; n++) x = x.square();
      line = lineOfNextCall() + 1;
      return x.add([1, 2, 3]);
    });
    expect(error.node).toBe(`shapes.test.ts:${line}`);
    expect(error.details).toMatchObject({ a: [4], b: [3] });
  });
});

describe('types of results', () => {
  it('keep literal extents', () => {
    defineProgram('test', ({ input, constant }) => {
      const image = input('image', [1, 64, 64]);
      expectTypeOf(image).toEqualTypeOf<Value<[1, 64, 64]>>();
      expectTypeOf(image.add(1).square().relu()).toEqualTypeOf<Value<[1, 64, 64]>>();
      expectTypeOf(image.add(input('row', [64]))).toEqualTypeOf<Value<[1, 64, 64]>>();
      expectTypeOf(input('column', [64, 1]).mul(input('r', [1, 32]))).toEqualTypeOf<
        Value<[64, 32]>
      >();
      expectTypeOf(image.conv2d(square, { padding: 'same' })).toEqualTypeOf<Value<[1, 64, 64]>>();
      expectTypeOf(image.conv2d([[[[1]]], [[[2]]]], { padding: 'same' })).toEqualTypeOf<
        Value<[2, 64, 64]>
      >();
      expectTypeOf(input('v', [1, 2]).matmul([[1, 2, 3], [4, 5, 6]])).toEqualTypeOf<Value<[1, 3]>>(); // prettier-ignore
      expectTypeOf(image.mean([1, 2])).toEqualTypeOf<Value<[1]>>();
      expectTypeOf(image.sum()).toEqualTypeOf<Value<[]>>();
      expectTypeOf(image.transpose([1, 0, 2])).toEqualTypeOf<Value<[64, 1, 64]>>();
      expectTypeOf(image.reshape([64, 64])).toEqualTypeOf<Value<[64, 64]>>();
      expectTypeOf(image.argMax()).toEqualTypeOf<Value<[1, 64]>>();
      expectTypeOf(constant(2).sub(image)).toEqualTypeOf<Value<[1, 64, 64]>>();
      return { image };
    });
  });

  it('widen where extents are not known, and fit values of any shape', () => {
    defineProgram('test', ({ input }) => {
      const image = input('image', [1, 64, 64]);
      const wide: number[][] = square;
      expectTypeOf(image.conv2d(wide)).toEqualTypeOf<Value<[1, number, number]>>();
      expectTypeOf(image.add(wide)).toEqualTypeOf<Value<[1, 64, 64]>>();
      expectTypeOf(image.reshape([64, -1])).toEqualTypeOf<Value<[64, number]>>();
      expectTypeOf(image.slice(1, 2, 4)).toEqualTypeOf<Value<[1, number, 64]>>();
      const any: Value = image;
      expectTypeOf(any.add(any)).toEqualTypeOf<Value<number[]>>();
      return { image };
    });
  });

  it('ask for the parameters of activations', () => {
    defineProgram('test', ({ input }) => {
      const x = input('x', [4]);
      // @ts-expect-error a slope is missing
      expect(() => x.leakyRelu()).toThrow(/slope|parameters/);
      // @ts-expect-error relu has no parameters
      expect(() => x.relu({ slope: 1 })).toThrow(/arguments/);
      return { y: x.leakyRelu({ slope: 0.1 }) };
    }).build();
  });
});
