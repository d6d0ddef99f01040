/** Models in the QDQ format against ONNX Runtime, and what of them is refused. */
import { describe, expect, test } from 'vitest';
import { importOnnx } from '../../../src/frontend/import-onnx.ts';
import type { ImportedModel } from '../../../src/frontend/import-onnx.ts';
import { interpret } from '../../../src/ir/interpret.ts';
import { verify } from '../../../src/ir/verify.ts';
import { randomInputs } from '../../support/compare-onnx.ts';
import { errorOf } from '../../support/error-of.ts';
import { encodeModel, filled } from '../../support/onnx-model.ts';
import type { TestModel, TestNode, TestTensor } from '../../support/onnx-model.ts';
import { runOnnx } from '../../support/onnxruntime.ts';
import { randomSource } from '../../support/random.ts';

const scalar = (value: number, type: TestTensor['type'] = 'float32'): TestTensor => ({
  dims: [],
  type,
  data: [value],
});

/** QuantizeLinear and DequantizeLinear around a value. */
function fakeQuantised(from: string, to: string, scale: string, zero: string): TestNode[] {
  return [
    {
      op: 'QuantizeLinear',
      name: `q_${from}`,
      inputs: [from, scale, zero],
      outputs: [`${from}_q`],
    },
    { op: 'DequantizeLinear', inputs: [`${from}_q`, scale, zero], outputs: [to] },
  ];
}

const random = randomSource(11);
const int8 = (...dims: number[]): TestTensor => ({
  ...filled(dims, random, -127, 127),
  type: 'int8',
  data: Array.from(filled(dims, random, -127, 127).data, Math.round),
});

/** A convolution, a ReLU that only the zero point of its quantiser says, and a dense layer. */
const network: TestModel = {
  inputs: { x: [1, 2, 6, 6] },
  outputs: ['y'],
  metadata: { 'cipherloom.range.x': '-1,1' },
  initializers: {
    ...{ sx: scalar(2 / 255), zx: scalar(0, 'int8') },
    ...{ kq: int8(3, 2, 3, 3), ks: { dims: [3], data: [0.01, 0.005, 0.008] } },
    ...{ kz: { dims: [3], type: 'int8', data: [0, 0, 0] } },
    ...{ bq: { dims: [3], type: 'int32', data: [500, -300, 20] } },
    ...{ bs: { dims: [3], data: [0.0001, 0.0001, 0.0001] } },
    ...{ sh: scalar(0.04), zh: scalar(0, 'uint8') },
    ...{ wq: int8(5, 48), ws: scalar(0.004), wz: scalar(0, 'int8') },
    ...{ sy: scalar(0.1), zy: scalar(128, 'uint8') },
  },
  nodes: [
    ...fakeQuantised('x', 'xd', 'sx', 'zx'),
    {
      ...{ op: 'DequantizeLinear', inputs: ['kq', 'ks', 'kz'], outputs: ['k'] },
      attributes: { axis: 0 },
    },
    { op: 'DequantizeLinear', inputs: ['bq', 'bs'], outputs: ['b'], attributes: { axis: 0 } },
    { op: 'Conv', name: 'conv', inputs: ['xd', 'k', 'b'], outputs: ['h'] },
    ...fakeQuantised('h', 'hd', 'sh', 'zh'),
    { op: 'Flatten', inputs: ['hd'], outputs: ['f'] },
    { op: 'DequantizeLinear', inputs: ['wq', 'ws', 'wz'], outputs: ['w'] },
    {
      ...{ op: 'Gemm', name: 'dense', inputs: ['f', 'w'], outputs: ['g'] },
      attributes: { transB: 1 },
    },
    ...fakeQuantised('g', 'y', 'sy', 'zy'),
  ],
};

function imported(model: TestModel): ImportedModel {
  const result = importOnnx(encodeModel(model), { name: 'test' });
  verify(result.program);
  return result;
}

test('a QDQ network agrees with ONNX Runtime within the quantisation steps', async () => {
  const model = imported(network);
  expect(model.warnings).toEqual([
    {
      id: 'ACTIVATION_QUANTISATION_IGNORED',
      message: 'activations are neither rounded nor clipped, as q_x, q_h, q_g would',
      node: 'q_x',
    },
  ]);
  const kinds = model.program.operations.map(({ op }) => op);
  expect(kinds).toEqual(['nn.input', 'nn.conv', 'nn.activation', 'nn.reshape', 'nn.dense']);
  for (const seed of [1, 2, 3]) {
    const inputs = randomInputs(model, seed);
    const { tensor } = interpret(
      model.program,
      new Map([...inputs].map(([name, tensor]) => [name, { kind: 'tensor', tensor } as const])),
    ).get('y') as { tensor: { data: Float64Array } };
    const expected = (await runOnnx(encodeModel(network), inputs)).get('y')!;
    // Half a step of the output, and half a step of each of 48 values times weights up to 0.5.
    const bound = 0.1 / 2 + 48 * 0.25 * (0.04 / 2 + 18 * 0.6 * (2 / 255 / 2));
    const differences = Array.from(tensor.data, (value, n) => Math.abs(value - expected.data[n]!));
    expect(Math.max(...differences)).toBeLessThan(bound);
    // They differ, since nothing is rounded; on average by little.
    expect(Math.max(...differences)).toBeGreaterThan(0);
    expect(differences.reduce((a, b) => a + b) / differences.length).toBeLessThan(0.15);
  }
});

describe('a zero point at the lowest integer', () => {
  const clipping = (zero: number, range: string, nodes: TestNode[] = []): TestModel => ({
    inputs: { x: [1, 4] },
    outputs: ['y'],
    metadata: { 'cipherloom.range.x': range },
    initializers: { s: scalar(0.01), z: scalar(zero, 'int8') },
    nodes: [
      ...(nodes.length === 0 ? [{ op: 'Identity', inputs: ['x'], outputs: ['v'] }] : nodes),
      ...fakeQuantised('v', 'y', 's', 'z'),
    ],
  });
  const operations = (model: TestModel): string[] =>
    imported(model).program.operations.map(({ op, attributes }) =>
      op === 'nn.activation' ? (attributes['function'] as string) : op,
    );

  test('is the ReLU that the exporter left out', () => {
    expect(operations(clipping(-128, '-1,1'))).toEqual(['nn.input', 'relu']);
  });

  test('is nothing where the value is not negative', () => {
    expect(operations(clipping(-128, '0,1'))).toEqual(['nn.input']);
    const relu = [{ op: 'Relu', inputs: ['x'], outputs: ['v'] }];
    expect(operations(clipping(-128, '-1,1', relu))).toEqual(['nn.input', 'relu']);
  });

  test('inside the range, nothing is clipped at 0', () => {
    expect(operations(clipping(-127, '-1,1'))).toEqual(['nn.input']);
    expect(operations(clipping(0, '-1,1'))).toEqual(['nn.input']);
  });

  test('at the highest integer it is refused', () => {
    expect(errorOf(() => imported(clipping(127, '-1,1'))).message).toContain('clip at 0');
    expect(operations(clipping(127, '-1,0'))).toEqual(['nn.input']);
  });
});

describe('what is refused', () => {
  const base: TestModel = {
    inputs: { x: [1, 4] },
    outputs: ['y'],
    initializers: { s: scalar(0.01), z: scalar(0, 'int8'), t: scalar(0.02) },
    nodes: [],
  };
  const quantise = { op: 'QuantizeLinear', name: 'q', inputs: ['x', 's', 'z'], outputs: ['v'] };
  const refusal = (nodes: TestNode[], changes: Partial<TestModel> = {}) =>
    errorOf(() => imported({ ...base, ...changes, nodes }));

  test('integers that are not made real again', () => {
    const relu = { op: 'Relu', name: 'act', inputs: ['v'], outputs: ['y'] };
    const error = refusal([quantise, relu]);
    expect(error.code).toBe('MODEL_UNSUPPORTED');
    expect(error.message).toContain('act (Relu): its input X is quantised to int8');
    expect(refusal([{ ...quantise, outputs: ['y'] }]).message).toContain(
      'y (output): it is quantised to int8',
    );
  });

  test('another scale', () => {
    const back = { op: 'DequantizeLinear', name: 'd', inputs: ['v', 't', 'z'], outputs: ['y'] };
    const error = refusal([quantise, back]);
    expect(error.code).toBe('MODEL_UNSUPPORTED');
    expect(error.message).toContain('d (DequantizeLinear): its scale or zero point is not that');
  });

  test('operators on integers, with the way out', () => {
    for (const op of ['QLinearConv', 'QLinearMatMul', 'ConvInteger', 'MatMulInteger']) {
      const error = refusal([{ op, name: 'n', inputs: ['x', 's'], outputs: ['y'] }]);
      expect(error.code).toBe('MODEL_UNSUPPORTED');
      expect(error.message).toContain(`n (${op}): it computes with integers`);
      expect(error.hint).toContain('QDQ');
    }
    const dynamic = { op: 'DynamicQuantizeLinear', name: 'n', inputs: ['x'], outputs: ['y'] };
    expect(refusal([dynamic]).hint).toContain('QDQ');
  });

  test.each<[string, Partial<TestModel>, string]>([
    ['no scale', { initializers: { s: scalar(0), z: scalar(0, 'int8') } }, 'a scale is 0'],
    [
      'a negative scale',
      { initializers: { s: scalar(-1), z: scalar(0, 'int8') } },
      'scale 0 is -1',
    ],
    [
      'an infinite scale',
      { initializers: { s: scalar(Infinity), z: scalar(0, 'int8') } },
      'tensor "s" []: element 0 is Infinity',
    ],
    [
      'too many scales',
      { initializers: { s: { dims: [3], data: [1, 1, 1] }, z: int8(3) } },
      'the scales are [3], a tensor of [1,4] takes [4] along axis 1',
    ],
    [
      'too few zero points',
      { initializers: { s: { dims: [4], data: [1, 1, 1, 1] }, z: int8(3) } },
      'there are 4 scales and 3 zero points',
    ],
    [
      'a zero point that is no integer',
      { initializers: { s: scalar(1), z: scalar(0) } },
      'float32 is no integer type',
    ],
  ])('%s', (_, changes, tells) => {
    const back = { op: 'DequantizeLinear', name: 'd', inputs: ['v', 's', 'z'], outputs: ['y'] };
    const error = refusal([quantise, back], changes);
    expect(error.code).toBe('MODEL_INVALID');
    expect(error.message).toContain(tells);
  });
});

describe('infinities', () => {
  test('may be used among constants', () => {
    const program = imported({
      inputs: { x: [1, 4] },
      outputs: ['y'],
      initializers: {
        mask: { dims: [4], data: [-Infinity, 0, Infinity, -Infinity] },
        at: { dims: [1], type: 'int64', data: [1] },
      },
      nodes: [
        { op: 'Gather', inputs: ['mask', 'at'], outputs: ['zero'] },
        { op: 'Add', inputs: ['x', 'zero'], outputs: ['y'] },
      ],
    }).program;
    expect(program.operations.map(({ op }) => op)).toEqual(['nn.input']);
  });

  test('are refused where they meet data, by the name of the constant', () => {
    const error = errorOf(() =>
      imported({
        inputs: { x: [1, 4] },
        outputs: ['y'],
        initializers: { mask: { dims: [4], data: [1, 1, -Infinity, 1] } },
        nodes: [
          { op: 'Neg', inputs: ['mask'], outputs: ['negated'] },
          { op: 'Add', name: 'sum', inputs: ['x', 'negated'], outputs: ['y'] },
        ],
      }),
    );
    expect(error).toMatchObject({ code: 'MODEL_INVALID', node: 'negated' });
    expect(error.message).toBe('tensor "negated" [4]: element 2 is Infinity');
  });
});
