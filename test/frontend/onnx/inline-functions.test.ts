/** Functions that a model defines: put inline, and bounded. */
import { describe, expect, test } from 'vitest';
import { importOnnx } from '../../../src/frontend/import-onnx.ts';
import { expectSameAsOnnxruntime } from '../../support/compare-onnx.ts';
import { errorOf } from '../../support/error-of.ts';
import { encodeModel } from '../../support/onnx-model.ts';
import type { TestFunction, TestModel, TestNode } from '../../support/onnx-model.ts';

const domain = 'local';

function node(
  op: string,
  inputs: string[],
  outputs: string[],
  rest: Partial<TestNode> = {},
): TestNode {
  return { op, inputs, outputs, ...rest };
}

function call(
  op: string,
  inputs: string[],
  outputs: string[],
  rest: Partial<TestNode> = {},
): TestNode {
  return node(op, inputs, outputs, { domain, name: `a ${op}`, ...rest });
}

function fn(name: string, rest: Partial<TestFunction>): TestFunction {
  return { name, domain, inputs: ['a'], outputs: ['b'], nodes: [], domains: [domain], ...rest };
}

function model(
  nodes: readonly TestNode[],
  functions: readonly TestFunction[],
  rest: Partial<TestModel> = {},
): TestModel {
  return {
    ...{ opset: 13, irVersion: 9, domains: { [domain]: 1 }, inputs: { x: [1, 4] }, outputs: ['y'] },
    ...{ nodes, functions },
    ...rest,
  };
}

const square = fn('Square', { nodes: [node('Mul', ['a', 'a'], ['b'])] });
const scaled = fn('Scaled', {
  attributes: ['factor'],
  nodes: [
    node('Constant', [], ['f'], { attributes: { value_float: { ref: 'factor', kind: 'FLOAT' } } }),
    node('Mul', ['a', 'f'], ['b'], { name: 'product' }),
  ],
});

describe('functions give what ONNX Runtime says', () => {
  const cases: readonly (readonly [string, TestModel])[] = [
    ['one call', model([call('Square', ['x'], ['y'])], [square])],
    [
      'two calls without names, whose inner values must not meet',
      model(
        [
          call('Scaled', ['x'], ['f'], { name: '', attributes: { factor: { float: 3 } } }),
          call('Scaled', ['f'], ['y'], { name: '', attributes: { factor: { float: -0.5 } } }),
        ],
        [scaled],
      ),
    ],
    [
      'functions in functions, attributes passed down',
      model(
        [call('Outer', ['x'], ['y'], { attributes: { by: { float: 2.5 } } })],
        [
          fn('Outer', {
            attributes: ['by'],
            nodes: [
              call('Square', ['a'], ['f']),
              call('Scaled', ['f'], ['b'], {
                attributes: { factor: { ref: 'by', kind: 'FLOAT' } },
              }),
            ],
          }),
          scaled,
          square,
        ],
      ),
    ],
    [
      'a default of the function, given and not given',
      model(
        [
          call('Scaled', ['x'], ['f']),
          call('Scaled', ['x'], ['g'], { name: 'b', attributes: { factor: { float: 7 } } }),
          node('Sub', ['f', 'g'], ['y']),
        ],
        [{ ...scaled, attributes: [], defaults: { factor: { float: 1.25 } } }],
      ),
    ],
    [
      'an attribute that is left out: the default of the operator',
      model(
        [call('Soft', ['x'], ['y'])],
        [
          fn('Soft', {
            attributes: ['axis'],
            nodes: [
              node('Softmax', ['a'], ['b'], { attributes: { axis: { ref: 'axis', kind: 'INT' } } }),
            ],
          }),
        ],
      ),
    ],
    [
      'several outputs, one of them unused, one an optional input left out',
      model(
        [call('Two', ['x'], ['', 'y'])],
        [
          fn('Two', {
            inputs: ['a', 'extra'],
            outputs: ['b', 'c'],
            nodes: [
              node('Neg', ['a'], ['b']),
              node('Add', ['b', 'a'], ['t']),
              node('Sub', ['t', 'b'], ['c']),
            ],
          }),
        ],
      ),
    ],
    [
      'a function of an older opset than the model',
      model(
        [call('Sums', ['x'], ['y'])],
        [
          fn('Sums', {
            opset: 13,
            nodes: [node('ReduceMean', ['a'], ['b'], { attributes: { axes: [1], keepdims: 1 } })],
          }),
        ],
        { opset: 13 },
      ),
    ],
  ];
  test.each(cases)('%s', async (_title, each) => {
    await expectSameAsOnnxruntime(encodeModel(each));
  });
});

test('a function keeps the rules of its own opset', () => {
  // ReduceMean has its axes in an attribute until opset 17 alone.
  const nodes = [node('ReduceMean', ['a'], ['b'], { attributes: { axes: [1] } })];
  const of = (opset: number) =>
    encodeModel(model([call('Mean', ['x'], ['y'])], [fn('Mean', { opset, nodes })], { opset: 18 }));
  expect(importOnnx(of(17), { name: 'test' }).program.operations.at(-1)?.op).toBe('nn.reduce-mean');
  expect(errorOf(() => importOnnx(of(18), { name: 'test' })).code).toBe('ATTRIBUTE_INVALID');
  expect(errorOf(() => importOnnx(of(3), { name: 'test' })).message).toContain('opset 3');
});

test('a function may hand an input on', () => {
  const { program } = importOnnx(
    encodeModel(model([call('Same', ['x'], ['y'])], [fn('Same', { outputs: ['a'] })])),
    { name: 'test' },
  );
  expect(program.outputs.map(({ name, value }) => [name, program.operations[value]?.op])).toEqual([
    ['y', 'nn.input'],
  ]);
});

describe('functions that are refused', () => {
  const refusal = (each: TestModel) =>
    errorOf(() => importOnnx(encodeModel(each), { name: 'test' }));

  test('a circle is named', () => {
    const a = fn('A', { nodes: [call('B', ['a'], ['b'])] });
    const b = fn('B', { nodes: [call('A', ['a'], ['b'])] });
    const error = refusal(model([call('A', ['x'], ['y'])], [a, b]));
    expect(error.code).toBe('MODEL_INVALID');
    expect(error.message).toContain('"local.A" → "local.B" → "local.A"');
  });

  test('what doubles at every level ends at the limit', () => {
    const functions = Array.from({ length: 40 }, (_, n) =>
      fn(`F${n}`, {
        nodes: [call(`F${n + 1}`, ['a'], ['t']), call(`F${n + 1}`, ['t'], ['b'])],
      }),
    );
    const error = refusal(model([call('F0', ['x'], ['y'])], [...functions, fn('F40', square)]));
    expect([error.code, error.details['limit']]).toEqual(['RESOURCE_LIMIT', 65536]);
  });

  test('a long chain ends at the limit', () => {
    const functions = Array.from({ length: 100 }, (_, n) =>
      fn(`F${n}`, { nodes: [call(`F${n + 1}`, ['a'], ['b'])] }),
    );
    const error = refusal(model([call('F0', ['x'], ['y'])], functions));
    expect(error.message).toContain('nested deeper than 64');
  });

  test('long names do not multiply', () => {
    const long = 'n'.repeat(2 ** 20);
    const body = Array.from({ length: 1000 }, (_, n) =>
      node('Neg', [n === 0 ? 'a' : `v${n - 1}`], [n === 999 ? 'b' : `v${n}`]),
    );
    const calls = [
      call('Many', ['x'], ['t'], { name: long }),
      call('Many', ['t'], ['y'], { name: long }),
    ];
    const before = process.memoryUsage().rss;
    const bytes = encodeModel(model(calls, [fn('Many', { nodes: body })]));
    expect(importOnnx(bytes, { name: 'test' }).program.operations.length).toBe(2001);
    expect(process.memoryUsage().rss - before).toBeLessThan(256 * 2 ** 20);
  });

  test.each<[string, TestModel, string]>([
    ['too many inputs', model([call('Square', ['x', 'x'], ['y'])], [square]), '2 inputs'],
    [
      'an unknown attribute',
      model([call('Square', ['x'], ['y'], { attributes: { n: 2 } })], [square]),
      'no attribute "n"',
    ],
    [
      'a value of the graph around it',
      model([call('Out', ['x'], ['y'])], [fn('Out', { nodes: [node('Neg', ['x'], ['b'])] })]),
      'reads "x", which nothing in it makes',
    ],
    [
      'a reference to no attribute',
      model([call('Scaled', ['x'], ['y'])], [{ ...scaled, attributes: [] }]),
      'no attribute "factor"',
    ],
    ['two of one name', model([call('Square', ['x'], ['y'])], [square, square]), 'twice'],
    [
      'a reference outside of functions',
      model(
        [node('Softmax', ['x'], ['y'], { attributes: { axis: { ref: 'axis', kind: 'INT' } } })],
        [square],
      ),
      'refers to an attribute of no function',
    ],
  ])('%s', (_title, each, message) => {
    const error = refusal(each);
    expect(error.exit).toBe(3);
    expect(error.message).toContain(message);
  });
});
