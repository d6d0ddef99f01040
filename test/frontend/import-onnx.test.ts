import { describe, expect, test } from 'vitest';
import { CipherloomError } from '../../src/errors.ts';
import { importOnnx } from '../../src/frontend/import-onnx.ts';
import type { ImportOptions } from '../../src/frontend/import-onnx.ts';
import { encodeModel } from '../support/onnx-model.ts';
import type { TestModel } from '../support/onnx-model.ts';

const simple: TestModel = {
  inputs: { x: [1, 4] },
  outputs: ['y'],
  nodes: [{ op: 'Neg', name: 'minus', inputs: ['x'], outputs: ['y'] }],
};

function load(model: Partial<TestModel>, options: Partial<ImportOptions> = {}) {
  return importOnnx(encodeModel({ ...simple, ...model }), { name: 'model', ...options });
}

function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof CipherloomError) return error.code;
    throw error;
  }
  return 'nothing';
}

describe('the input range', () => {
  const stated = { metadata: { 'cipherloom.range.x': ' -1, 3 ' } };

  test('comes from the options first', () => {
    const { program, warnings } = load(stated, { inputRanges: { x: [0, 7] } });
    expect(program.operations[0]?.type.range).toEqual({ lo: 0, hi: 7, source: 'declared' });
    expect(warnings).toEqual([]);
  });

  test('then from the metadata', () => {
    expect(load(stated).program.operations[0]?.type.range).toMatchObject({ lo: -1, hi: 3 });
  });

  test('else it is assumed, with a warning that names the input', () => {
    const { program, warnings } = load({});
    expect(program.operations[0]?.type.range).toMatchObject({ lo: 0, hi: 1 });
    expect(warnings).toEqual([expect.objectContaining({ id: 'INPUT_RANGE_ASSUMED', node: 'x' })]);
  });

  test.each(['1', '1,2,3', 'a,b', '2,1', ',', '0,Infinity'])('"%s" is refused', (range) => {
    expect(codeOf(() => load({ metadata: { 'cipherloom.range.x': range } }))).toBe('MODEL_INVALID');
  });

  test.each([[[NaN, 1]], [[2, 1]], [[0, Infinity]]])(
    '%j as an option is a usage error',
    ([lo, hi]) => {
      expect(codeOf(() => load({}, { inputRanges: { x: [lo!, hi!] } }))).toBe('USAGE');
    },
  );

  test('of an input that does not exist is a usage error', () => {
    expect(codeOf(() => load({}, { inputRanges: { z: [0, 1] } }))).toBe('USAGE');
  });
});

describe('labels', () => {
  test.each([
    ['cat, dog', ['cat', 'dog']],
    ['["a,b","c"]', ['a,b', 'c']],
  ])('%s', (text, labels) => {
    expect(load({ metadata: { 'cipherloom.labels': text } }).labels).toEqual(labels);
  });

  test('are null where the model states none', () => {
    expect(load({}).labels).toBeNull();
  });

  test('that are no list are refused', () => {
    expect(codeOf(() => load({ metadata: { 'cipherloom.labels': '[1, 2' } }))).toBe(
      'MODEL_INVALID',
    );
  });
});

test('operations carry the name of their node', () => {
  expect(load({}).program.operations[1]).toMatchObject({ op: 'nn.negate', location: 'minus' });
  expect(load({}).operators).toEqual([{ name: 'minus', op: 'Neg' }]);
});

test('nodes that no output needs are left out, inputs stay', () => {
  const { program, operators } = load({
    inputs: { x: [1, 4], z: [1, 2] },
    nodes: [...simple.nodes, { op: 'NoSuchOperator', inputs: ['z'], outputs: ['w'] }],
  });
  expect(operators).toHaveLength(1);
  expect(program.operations.map(({ op }) => op)).toEqual(['nn.input', 'nn.input', 'nn.negate']);
});

test('an attribute of another opset is refused rather than ignored', () => {
  const node = { op: 'Squeeze', inputs: ['x'], outputs: ['y'], attributes: { axes: [0] } };
  expect(codeOf(() => load({ nodes: [node], opset: 12 }))).toBe('nothing');
  expect(codeOf(() => load({ nodes: [node], opset: 13 }))).toBe('ATTRIBUTE_INVALID');
});

test('an input of another opset is refused', () => {
  const initializers = { a: { dims: [1], type: 'int64', data: [0] } } as const;
  const nodes = [{ op: 'Squeeze', inputs: ['x', 'a'], outputs: ['y'] }];
  expect(codeOf(() => load({ nodes, initializers, opset: 13 }))).toBe('nothing');
  expect(codeOf(() => load({ nodes, initializers, opset: 12 }))).toBe('MODEL_INVALID');
});

test('a missing input, too many inputs and a wrong attribute type are refused', () => {
  expect(codeOf(() => load({ nodes: [{ op: 'Add', inputs: ['x'], outputs: ['y'] }] }))).toBe(
    'MODEL_INVALID',
  );
  expect(codeOf(() => load({ nodes: [{ op: 'Neg', inputs: ['x', 'x'], outputs: ['y'] }] }))).toBe(
    'MODEL_INVALID',
  );
  const node = { op: 'Flatten', inputs: ['x'], outputs: ['y'], attributes: { axis: 'one' } };
  expect(codeOf(() => load({ nodes: [node] }))).toBe('ATTRIBUTE_INVALID');
});

test('x · x is a square, whatever way it is written', () => {
  const squares: TestModel['nodes'][] = [
    [{ op: 'Mul', inputs: ['x', 'x'], outputs: ['y'] }],
    [{ op: 'Pow', inputs: ['x', 'two'], outputs: ['y'] }],
    [
      { op: 'Identity', inputs: ['x'], outputs: ['i'] },
      { op: 'Mul', inputs: ['i', 'x'], outputs: ['y'] },
    ],
  ];
  for (const nodes of squares) {
    const { program } = load(
      { nodes, initializers: { two: { dims: [], data: [2] } } },
      { inputRanges: { x: [-2, 1] } },
    );
    expect(program.operations.map(({ op }) => op)).toEqual(['nn.input', 'nn.polynomial']);
    expect(program.operations[1]?.type.range).toMatchObject({ lo: 0, hi: 4 });
  }
});

test('an output that is an input, and one that is made twice over', () => {
  const { program } = load({ outputs: ['x', 'y'] });
  expect(program.outputs.map(({ name, value }) => [name, value])).toEqual([
    ['x', 0],
    ['y', 1],
  ]);
});
