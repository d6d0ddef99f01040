/** Row M6 of the bad-input table: small files whose results would fill the memory. */
import { expect, test } from 'vitest';
import { importOnnx } from '../../src/frontend/import-onnx.ts';
import { encodeModel } from '../support/onnx-model.ts';
import type { TestModel, TestNode, TestTensor } from '../support/onnx-model.ts';
import { errorOf } from '../support/error-of.ts';

const big = 2 ** 44;

function int64(...data: number[]): TestTensor {
  return { dims: [data.length], type: 'int64', data };
}

function node(
  op: string,
  inputs: string[],
  output: string,
  rest: Partial<TestNode> = {},
): TestNode {
  return { op, name: `the ${op}`, inputs, outputs: [output], ...rest };
}

function model(
  nodes: readonly TestNode[],
  initializers: Readonly<Record<string, TestTensor>>,
): TestModel {
  return { opset: 18, inputs: { x: [1, 1, 4, 4] }, outputs: ['y'], nodes, initializers };
}

const one: TestTensor = { dims: [1, 1, 1, 1], data: [1] };
const row: TestTensor = { dims: [2 ** 12], data: new Float32Array(2 ** 12) };

/** A constant of an operator, added to x. */
function constantOf(made: TestNode, initializers: Readonly<Record<string, TestTensor>>): TestModel {
  return model([made, node('Mul', ['x', 'c'], 'y')], initializers);
}

const bombs: readonly (readonly [string, TestModel])[] = [
  ['ConstantOfShape', constantOf(node('ConstantOfShape', ['s'], 'c'), { s: int64(big) })],
  [
    'ConstantOfShape',
    constantOf(node('ConstantOfShape', ['s'], 'c'), { s: int64(2 ** 40, 2 ** 40) }),
  ],
  [
    'Range',
    constantOf(node('Range', ['a', 'b', 'd'], 'c'), {
      a: { ...int64(0), dims: [] },
      b: { ...int64(big), dims: [] },
      d: { ...int64(1), dims: [] },
    }),
  ],
  ['Tile', constantOf(node('Tile', ['o', 's'], 'c'), { o: one, s: int64(1, 1, 1, big) })],
  ['Tile', model([node('Tile', ['x', 's'], 'y')], { s: int64(1, 1, 1, big) })],
  ['Expand', constantOf(node('Expand', ['o', 's'], 'c'), { o: one, s: int64(big) })],
  ['Expand', model([node('Expand', ['x', 's'], 'y')], { s: int64(big, 1, 4, 4) })],
  ['Pad', model([node('Pad', ['x', 's'], 'y')], { s: int64(0, 0, 0, 0, 0, 0, 0, big) })],
  [
    'Pad',
    model([node('Pad', ['x', 's'], 'y', { attributes: { mode: 'edge' } })], {
      s: int64(0, 0, 0, 0, 0, 0, 0, big),
    }),
  ],
  ['Resize', model([node('Resize', ['x', '', '', 's'], 'y')], { s: int64(1, 1, 4, big) })],
  [
    'Resize',
    model([node('Resize', ['x', '', 's'], 'y')], { s: { dims: [4], data: [1, 1, 1, 1e13] } }),
  ],
  ['Add', constantOf(node('Add', ['a', 'b'], 'c'), { a: row, b: { ...row, dims: [2 ** 12, 1] } })],
  [
    'Einsum',
    constantOf(node('Einsum', ['a', 'a'], 'c', { attributes: { equation: 'i,j->ij' } }), {
      a: row,
    }),
  ],
  [
    'Einsum',
    model(
      [
        node('Einsum', ['x', 'a'], 'm', {
          name: 'before',
          attributes: { equation: 'abcd,i->abcdi' },
        }),
        node('Einsum', ['m', 'a'], 'y', { attributes: { equation: 'abcdi,j->abcdij' } }),
      ],
      { a: row },
    ),
  ],
  [
    'CumSum',
    model(
      [
        node('Reshape', ['x', 's'], 'f'),
        node('Tile', ['f', 'r'], 't'),
        node('CumSum', ['t', 'z'], 'y'),
      ],
      { s: int64(16), r: int64(2 ** 14), z: { ...int64(0), dims: [] } },
    ),
  ],
  [
    'ConvTranspose',
    model(
      [
        node('ConvTranspose', ['x', 'o'], 'y', {
          attributes: { output_shape: [2 ** 22, 2 ** 22] },
        }),
      ],
      { o: one },
    ),
  ],
  [
    'Conv',
    model([node('Conv', ['x', 'o'], 'y', { attributes: { pads: [0, 0, 0, 2 ** 40] } })], {
      o: one,
    }),
  ],
  [
    'AveragePool',
    model(
      [node('AveragePool', ['x'], 'y', { attributes: { kernel_shape: [2 ** 20, 2 ** 20] } })],
      {},
    ),
  ],
];

test.each(bombs)('%s is refused by name before memory is taken', (operator, bomb) => {
  const before = process.memoryUsage().rss;
  const started = performance.now();
  const error = errorOf(() => importOnnx(encodeModel(bomb), { name: 'bomb' }));
  expect(error.code).toBe('RESOURCE_LIMIT');
  expect(error.node).toBe(`the ${operator}`);
  expect(error.details['size']).toBeGreaterThan(error.details['limit'] as number);
  expect(error.message).toContain(String(error.details['limit']));
  expect(performance.now() - started).toBeLessThan(2000);
  expect(process.memoryUsage().rss - before).toBeLessThan(256 * 2 ** 20);
});

test('what many nodes make of constants is counted together', () => {
  const nodes = Array.from({ length: 40 }, (_, n) =>
    node('ConstantOfShape', ['s'], `c${n}`, { name: `shape ${n}` }),
  );
  const sums = nodes.map((_, n) => node('Add', [n === 0 ? 'x' : `y${n - 1}`, `c${n}`], `y${n}`));
  const bomb = {
    ...model([...nodes, ...sums], { s: int64(2 ** 20) }),
    inputs: { x: [1] },
    outputs: ['y39'],
  };
  const error = errorOf(() => importOnnx(encodeModel(bomb), { name: 'bomb' }));
  expect([error.code, error.node]).toEqual(['RESOURCE_LIMIT', 'shape 4']);
});

test('a constant doubled again and again is refused in time', () => {
  const nodes = Array.from({ length: 60 }, (_, n) =>
    node('Concat', [`c${n}`, `c${n}`], `c${n + 1}`, {
      name: `double ${n}`,
      attributes: { axis: 0 },
    }),
  );
  const bomb = model([...nodes, node('Add', ['x', 'c60'], 'y')], { c0: row });
  const error = errorOf(() => importOnnx(encodeModel(bomb), { name: 'bomb' }));
  expect(error.code).toBe('RESOURCE_LIMIT');
  expect(error.node).toMatch(/^double \d+$/);
});
