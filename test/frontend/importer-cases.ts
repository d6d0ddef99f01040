/** Models of one operator each, over opsets and attributes: what ONNX Runtime is compared on. */
import { filled } from '../support/onnx-model.ts';
import { integerBounds } from '../../src/frontend/onnx/element-types.ts';
import type {
  TestAttribute,
  TestElementType,
  TestModel,
  TestTensor,
} from '../support/onnx-model.ts';
import { randomSource } from '../support/random.ts';

export interface ImporterCase {
  readonly title: string;
  readonly model: TestModel;
}

interface Use {
  readonly opset: number;
  /** Shapes of encrypted inputs. */
  readonly data: Readonly<Record<string, readonly (number | string)[]>>;
  readonly constants?: Readonly<Record<string, TestTensor>>;
  /** Order of the inputs; data first, then constants, where absent. */
  readonly inputs?: readonly string[];
  readonly attributes?: Readonly<Record<string, TestAttribute>>;
  readonly outputType?: 'float32' | 'int64';
}

const random = randomSource(20250101);

export function weights(...dims: number[]): TestTensor {
  return filled(dims, random);
}

export function int64(...data: number[]): TestTensor {
  return { dims: [data.length], type: 'int64', data };
}

/** Integers of a type all over its range. */
function integers(type: TestElementType, ...dims: number[]): TestTensor {
  const [lo, hi] = type === 'int32' ? [-1000, 1000] : integerBounds(type);
  return { ...filled(dims, () => 0), type, data: spread(dims, lo, hi) };
}

function spread(dims: readonly number[], lo: number, hi: number): number[] {
  const { data } = filled(dims, random, lo, hi + 1);
  return Array.from(data, (value) => Math.min(hi, Math.floor(value)));
}

/** Scales: positive numbers. */
function reals(...dims: number[]): TestTensor {
  return filled(dims, random, 0.005, 0.02);
}

type Attributes = Readonly<Record<string, TestAttribute>>;

/** x times integers that DequantizeLinear makes real numbers. */
function dequantised(
  opset: number,
  values: TestTensor,
  scale: TestTensor,
  zero?: TestTensor,
  attributes: Attributes = {},
): ImporterCase {
  const constants = { q: values, s: scale, ...(zero === undefined ? {} : { z: zero }) };
  const node = { op: 'DequantizeLinear', inputs: Object.keys(constants), outputs: ['w'] };
  return weighted(opset, values, constants, [{ ...node, attributes }]);
}

/** x times a constant that QuantizeLinear makes integers and DequantizeLinear makes real again. */
function quantised(
  opset: number,
  values: TestTensor,
  scale: TestTensor,
  zero?: TestTensor,
  attributes: Attributes = {},
): ImporterCase {
  const constants = { c: values, s: scale, ...(zero === undefined ? {} : { z: zero }) };
  const { output_dtype, ...shared } = attributes;
  const more = Object.keys(constants).slice(1);
  return weighted(opset, values, constants, [
    {
      ...{ op: 'QuantizeLinear', inputs: ['c', ...more], outputs: ['q'] },
      attributes: output_dtype === undefined ? shared : { ...shared, output_dtype },
    },
    {
      ...{ op: 'DequantizeLinear', inputs: ['q', ...more], outputs: ['w'] },
      attributes: shared,
    },
  ]);
}

function weighted(
  opset: number,
  { dims }: TestTensor,
  initializers: Readonly<Record<string, TestTensor>>,
  nodes: TestModel['nodes'],
): ImporterCase {
  const types = Object.values(initializers).map(
    ({ type, dims: own }) => `${type ?? 'float32'} [${own.join()}]`,
  );
  return {
    title: `opset ${opset} ${types.join(' ')} ${JSON.stringify(nodes[0]!.attributes)}`,
    model: {
      ...{ opset, inputs: { x: [1, ...dims] }, outputs: ['y'], initializers },
      nodes: [...nodes, { op: 'Mul', inputs: ['x', 'w'], outputs: ['y'] }],
    },
  };
}

export function scalarOf(value: number, type: 'float32' | 'int64' = 'float32'): TestTensor {
  return { dims: [], type, data: [value] };
}

export function one(op: string, use: Use): ImporterCase {
  const { opset, data, constants = {}, attributes = {} } = use;
  const inputs = use.inputs ?? [...Object.keys(data), ...Object.keys(constants)];
  const shapes = Object.values(data).map((dims) => `[${dims.join(',')}]`);
  return {
    title: `opset ${opset} ${shapes.join(' ')} ${JSON.stringify(attributes)} ${Object.keys(constants).join(' ')}`,
    model: {
      opset,
      inputs: data,
      outputs: ['y'],
      outputType: use.outputType ?? 'float32',
      initializers: constants,
      nodes: [{ op, inputs, outputs: ['y'], attributes }],
    },
  };
}

/** The same use at several opsets. */
export function over(
  op: string,
  opsets: readonly number[],
  use: Omit<Use, 'opset'>,
): ImporterCase[] {
  return opsets.map((opset) => one(op, { ...use, opset }));
}

function binary(op: string): ImporterCase[] {
  return [
    ...over(op, [7, 13, 14], { data: { x: [1, 2, 3, 4], z: [1, 2, 1, 4] } }),
    one(op, { opset: 13, data: { x: [1, 3, 1] }, constants: { c: weights(2, 3, 4) } }),
    one(op, { opset: 13, data: { x: [1, 3, 4] }, constants: { c: weights(3, 1) } }),
    one(op, {
      opset: 13,
      data: { x: [1, 3, 4] },
      constants: { c: weights(4) },
      inputs: ['c', 'x'],
    }),
    one(op, { opset: 13, data: { x: [1, 3] }, constants: { c: scalarOf(0.75) } }),
    one(op, { opset: 13, data: { x: [1, 3] }, inputs: ['x', 'x'] }),
  ];
}

function unary(
  op: string,
  attributes: Readonly<Record<string, TestAttribute>> = {},
): ImporterCase[] {
  return over(op, [7, 13, 16], { data: { x: [1, 3, 5] }, attributes });
}

const image = { x: [1, 3, 7, 8] };
const norm = { s: weights(3), b: weights(3), m: weights(3), v: filled([3], random, 0.1, 2) };

/** Chains of constants that are folded, used by x at the end. */
export function folded(
  title: string,
  nodes: TestModel['nodes'],
  initializers: Readonly<Record<string, TestTensor>> = {},
  opset = 13,
): ImporterCase {
  return {
    title,
    model: { opset, inputs: { x: ['batch', 2, 6] }, outputs: ['y'], initializers, nodes },
  };
}

export const importerCases: Readonly<Record<string, readonly ImporterCase[]>> = {
  Add: binary('Add'),
  ArgMax: [
    one('ArgMax', { opset: 7, data: { x: [1, 5, 3] }, outputType: 'int64' }),
    one('ArgMax', {
      opset: 13,
      data: { x: [1, 5, 3] },
      attributes: { axis: -2, keepdims: 0 },
      outputType: 'int64',
    }),
    one('ArgMax', {
      opset: 13,
      data: { x: [1, 10] },
      attributes: { axis: 1, select_last_index: 0 },
      outputType: 'int64',
    }),
  ],
  AveragePool: [
    ...over('AveragePool', [7, 11, 19, 22], { data: image, attributes: { kernel_shape: [2, 3] } }),
    one('AveragePool', {
      opset: 11,
      data: image,
      attributes: { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] },
    }),
    one('AveragePool', {
      opset: 11,
      data: image,
      attributes: {
        kernel_shape: [3, 3],
        strides: [2, 2],
        pads: [1, 0, 1, 1],
        count_include_pad: 1,
      },
    }),
    one('AveragePool', {
      opset: 19,
      data: image,
      attributes: { kernel_shape: [3, 2], strides: [2, 3], ceil_mode: 1 },
    }),
    one('AveragePool', {
      opset: 19,
      data: image,
      attributes: {
        kernel_shape: [3, 3],
        strides: [3, 3],
        pads: [1, 1, 1, 1],
        ceil_mode: 1,
        count_include_pad: 0,
      },
    }),
    one('AveragePool', {
      opset: 11,
      data: image,
      attributes: { kernel_shape: [3, 2], strides: [2, 2], auto_pad: 'SAME_UPPER' },
    }),
    one('AveragePool', {
      opset: 19,
      data: { x: [1, 1, 32] },
      attributes: {
        kernel_shape: [5],
        strides: [3],
        dilations: [2],
        ceil_mode: 1,
        count_include_pad: 1,
      },
    }),
    one('AveragePool', {
      opset: 19,
      data: image,
      attributes: {
        kernel_shape: [3, 3],
        strides: [3, 2],
        pads: [1, 0, 1, 1],
        ceil_mode: 1,
        count_include_pad: 1,
      },
    }),
    one('AveragePool', {
      opset: 11,
      data: image,
      attributes: { kernel_shape: [2, 2], auto_pad: 'SAME_LOWER' },
    }),
    one('AveragePool', {
      opset: 11,
      data: image,
      attributes: { kernel_shape: [2, 2], strides: [2, 2], auto_pad: 'VALID' },
    }),
    one('AveragePool', {
      opset: 7,
      data: { x: [1, 2, 9] },
      attributes: { kernel_shape: [3], strides: [2] },
    }),
    one('AveragePool', {
      opset: 13,
      data: { x: [1, 2, 4, 4, 4] },
      attributes: { kernel_shape: [2, 2, 2] },
    }),
    one('AveragePool', {
      opset: 19,
      data: { x: [1, 2, 9, 9] },
      attributes: { kernel_shape: [2, 3], dilations: [2, 2] },
    }),
  ],
  BatchNormalization: [
    ...over('BatchNormalization', [7, 9, 14, 15], { data: image, constants: norm }),
    one('BatchNormalization', {
      opset: 15,
      data: { x: ['N', 3] },
      constants: norm,
      attributes: { epsilon: { float: 0.01 }, momentum: { float: 0.5 } },
    }),
  ],
  Cast: [
    one('Cast', { opset: 9, data: { x: [1, 4] }, attributes: { to: 1 } }),
    folded(
      'a folded cast of a shape',
      [
        { op: 'Cast', inputs: ['c'], outputs: ['f'], attributes: { to: 1 } },
        { op: 'Mul', inputs: ['x', 'f'], outputs: ['y'] },
      ],
      { c: int64(1, -2, 3, 4, 5, 6) },
    ),
    folded(
      'a folded cast to integers',
      [
        { op: 'Cast', inputs: ['c'], outputs: ['i'], attributes: { to: 7 } },
        { op: 'Reshape', inputs: ['x', 'i'], outputs: ['y'] },
      ],
      { c: { dims: [2], data: [3.7, -1.2] } },
    ),
  ],
  Concat: [
    ...over('Concat', [7, 11, 13], {
      data: { x: [1, 2, 3], z: [1, 4, 3] },
      attributes: { axis: 1 },
    }),
    one('Concat', {
      opset: 13,
      data: { x: [1, 2], z: [1, 3], w: [1, 1] },
      attributes: { axis: -1 },
    }),
    one('Concat', {
      opset: 13,
      data: { x: [1, 2], z: [1, 3] },
      constants: { c: weights(1, 2) },
      inputs: ['x', 'c', 'z'],
      attributes: { axis: 1 },
    }),
    one('Concat', { opset: 13, data: { x: [1, 2] }, inputs: ['x', 'x'], attributes: { axis: 0 } }),
  ],
  Constant: [
    folded('a tensor', [
      {
        op: 'Constant',
        inputs: [],
        outputs: ['c'],
        attributes: { value: { tensor: weights(2, 1) } },
      },
      { op: 'Add', inputs: ['x', 'c'], outputs: ['y'] },
    ]),
    folded(
      'a tensor in a typed field',
      [
        {
          op: 'Constant',
          inputs: [],
          outputs: ['c'],
          attributes: { value: { tensor: { ...weights(2, 1), typed: true } } },
        },
        { op: 'Add', inputs: ['x', 'c'], outputs: ['y'] },
      ],
      {},
      7,
    ),
    folded('value_float', [
      { op: 'Constant', inputs: [], outputs: ['c'], attributes: { value_float: { float: 1.5 } } },
      { op: 'Add', inputs: ['x', 'c'], outputs: ['y'] },
    ]),
    folded('value_floats', [
      {
        op: 'Constant',
        inputs: [],
        outputs: ['c'],
        attributes: { value_floats: { floats: [1, 2, 3, 4, 5, 6] } },
      },
      { op: 'Add', inputs: ['x', 'c'], outputs: ['y'] },
    ]),
    folded('value_ints', [
      { op: 'Constant', inputs: [], outputs: ['s'], attributes: { value_ints: [-1, 4] } },
      { op: 'Reshape', inputs: ['x', 's'], outputs: ['y'] },
    ]),
    folded(
      'value_int',
      [
        { op: 'Constant', inputs: [], outputs: ['a'], attributes: { value_int: 2 } },
        { op: 'Unsqueeze', inputs: ['a', 'zero'], outputs: ['axes'] },
        { op: 'Unsqueeze', inputs: ['x', 'axes'], outputs: ['y'] },
      ],
      { zero: int64(0) },
    ),
  ],
  Conv: [
    ...over('Conv', [7, 11, 22], {
      data: image,
      constants: { w: weights(4, 3, 3, 2), b: weights(4) },
    }),
    one('Conv', {
      opset: 11,
      data: image,
      constants: { w: weights(4, 3, 3, 3) },
      attributes: { pads: [1, 0, 2, 1], strides: [2, 3] },
    }),
    one('Conv', {
      opset: 11,
      data: image,
      constants: { w: weights(2, 3, 2, 3) },
      attributes: { dilations: [2, 3], kernel_shape: [2, 3] },
    }),
    one('Conv', {
      opset: 11,
      data: { x: [1, 4, 6, 6] },
      constants: { w: weights(6, 2, 3, 3), b: weights(6) },
      attributes: { group: 2 },
    }),
    one('Conv', {
      opset: 11,
      data: { x: [1, 4, 6, 6] },
      constants: { w: weights(4, 1, 3, 3) },
      attributes: { group: 4, pads: [1, 1, 1, 1] },
    }),
    one('Conv', {
      opset: 11,
      data: image,
      constants: { w: weights(2, 3, 3, 4) },
      attributes: { auto_pad: 'SAME_UPPER', strides: [2, 3] },
    }),
    one('Conv', {
      opset: 11,
      data: image,
      constants: { w: weights(2, 3, 4, 2) },
      attributes: { auto_pad: 'SAME_LOWER' },
    }),
    one('Conv', {
      opset: 11,
      data: image,
      constants: { w: weights(2, 3, 2, 2) },
      attributes: { auto_pad: 'VALID', strides: [2, 2] },
    }),
    one('Conv', {
      opset: 11,
      data: { x: [1, 2, 9] },
      constants: { w: weights(3, 2, 3), b: weights(3) },
      attributes: { strides: [2], pads: [1, 1] },
    }),
    one('Conv', {
      opset: 11,
      data: { x: [1, 2, 4, 4, 4] },
      constants: { w: weights(3, 2, 2, 3, 2) },
    }),
    one('Conv', { opset: 11, data: { x: [2, 3, 5, 5] }, constants: { w: weights(2, 3, 2, 2) } }),
  ],
  DequantizeLinear: [
    ...[10, 13, 19, 21].map((opset) => dequantised(opset, integers('uint8', 3, 4), reals(1))),
    dequantised(13, integers('int8', 3, 4), reals(), integers('int8')),
    dequantised(13, integers('uint8', 3, 4), reals(4), integers('uint8', 4), { axis: -1 }),
    dequantised(13, integers('int8', 3, 4), reals(3), integers('int8', 3), { axis: 0 }),
    dequantised(13, integers('int32', 4), reals()),
    dequantised(21, integers('int16', 3, 4), reals(1), integers('int16', 1)),
    dequantised(21, integers('uint16', 3, 4), reals(4), integers('uint16', 4)),
    dequantised(21, integers('int4', 3, 4), reals(3), integers('int4', 3), { axis: 0 }),
    dequantised(21, integers('int4', 3, 4), reals(3, 2), integers('int4', 3, 2), { block_size: 2 }),
    dequantised(21, integers('uint4', 4, 3), reals(2, 3), integers('uint4', 2, 3), {
      axis: 0,
      block_size: 2,
    }),
    dequantised(21, integers('int8', 3, 4), reals(3, 2), undefined, { block_size: 2 }),
  ],
  Div: [
    ...over('Div', [7, 13], {
      data: { x: [1, 3, 4] },
      constants: { c: filled([4], random, 0.5, 2) },
    }),
    folded(
      'whole numbers are cut, as ONNX does',
      [
        { op: 'Div', inputs: ['a', 'b'], outputs: ['s'] },
        { op: 'Reshape', inputs: ['x', 's'], outputs: ['y'] },
      ],
      { a: int64(7, -3), b: int64(2, 2) },
    ),
  ],
  Dropout: [
    ...over('Dropout', [7, 10], { data: { x: [1, 4] }, attributes: { ratio: { float: 0.3 } } }),
    one('Dropout', { opset: 13, data: { x: [1, 4] } }),
    one('Dropout', { opset: 13, data: { x: [1, 4] }, constants: { r: scalarOf(0.4) } }),
    one('Dropout', {
      opset: 13,
      data: { x: [1, 4] },
      constants: { r: scalarOf(0.4), t: { dims: [], type: 'bool', data: [0] } },
    }),
  ],
  Flatten: [
    ...over('Flatten', [7, 9, 13], { data: { x: [1, 2, 3, 4] } }),
    ...[0, 1, 3, 4].map((axis) =>
      one('Flatten', { opset: 13, data: { x: [1, 2, 3, 4] }, attributes: { axis } }),
    ),
    one('Flatten', { opset: 13, data: { x: [1, 2, 3, 4] }, attributes: { axis: -2 } }),
  ],
  Gather: [
    ...over('Gather', [7, 11, 13], {
      data: { x: [1, 5, 3] },
      constants: { i: int64(1, 3) },
      attributes: { axis: 1 },
    }),
    one('Gather', {
      opset: 13,
      data: { x: [1, 5, 3] },
      constants: { i: scalarOf(-1, 'int64') },
      attributes: { axis: 1 },
    }),
    one('Gather', {
      opset: 13,
      data: { x: [1, 5, 3] },
      constants: { i: int64(4, 0, 0, 2) },
      attributes: { axis: -2 },
    }),
    one('Gather', {
      opset: 13,
      data: { x: [1, 5] },
      constants: { i: { dims: [2, 2], type: 'int64', data: [3, 1, -1, -3] } },
      attributes: { axis: 1 },
    }),
    folded(
      'extents out of a shape, as exporters write a view',
      [
        { op: 'Shape', inputs: ['x'], outputs: ['s'] },
        { op: 'Gather', inputs: ['s', 'zero'], outputs: ['n'] },
        { op: 'Unsqueeze', inputs: ['n', 'axis'], outputs: ['n1'] },
        { op: 'Concat', inputs: ['n1', 'rest'], outputs: ['to'], attributes: { axis: 0 } },
        { op: 'Reshape', inputs: ['x', 'to'], outputs: ['y'] },
      ],
      { zero: scalarOf(0, 'int64'), axis: int64(0), rest: int64(-1) },
    ),
  ],
  Gemm: [
    ...over('Gemm', [7, 9, 11, 13], {
      data: { x: [1, 4] },
      constants: { w: weights(4, 3), b: weights(3) },
    }),
    one('Gemm', {
      opset: 13,
      data: { x: [1, 4] },
      constants: { w: weights(3, 4), b: weights(1, 3) },
      attributes: { transB: 1, alpha: { float: 0.5 }, beta: { float: -2 } },
    }),
    one('Gemm', {
      opset: 13,
      data: { x: [4, 2] },
      constants: { w: weights(4, 3) },
      attributes: { transA: 1 },
    }),
    one('Gemm', {
      opset: 13,
      data: { x: [2, 4] },
      constants: { w: weights(4, 3), b: weights(2, 1) },
      attributes: { beta: { float: 3 } },
    }),
    one('Gemm', {
      opset: 13,
      data: { x: [2, 4] },
      constants: { w: weights(4, 3), b: scalarOf(0.5) },
    }),
    one('Gemm', {
      opset: 13,
      data: { x: [1, 4], c: [1, 3] },
      constants: { w: weights(4, 3) },
      inputs: ['x', 'w', 'c'],
      attributes: { beta: { float: 0.25 } },
    }),
    one('Gemm', {
      opset: 13,
      data: { x: [4, 2] },
      constants: { w: weights(3, 4), b: weights(3, 2) },
      inputs: ['w', 'x', 'b'],
    }),
    one('Gemm', {
      opset: 13,
      data: { x: [2, 4] },
      constants: { w: weights(4, 3), b: weights(2) },
      inputs: ['w', 'x', 'b'],
      attributes: { transA: 1, transB: 1, alpha: { float: 2 } },
    }),
  ],
  GlobalAveragePool: over('GlobalAveragePool', [7, 13, 22], { data: image }),
  Identity: [
    ...over('Identity', [7, 13, 16], { data: { x: [1, 3] } }),
    folded(
      'of a constant',
      [
        { op: 'Identity', inputs: ['c'], outputs: ['d'] },
        { op: 'Add', inputs: ['x', 'd'], outputs: ['y'] },
      ],
      { c: weights(6) },
    ),
  ],
  LeakyRelu: [...unary('LeakyRelu'), ...unary('LeakyRelu', { alpha: { float: 0.2 } })],
  LogSoftmax: [
    ...over('LogSoftmax', [7, 11, 13], { data: { x: [1, 7] } }),
    one('LogSoftmax', { opset: 11, data: { x: [1, 3, 4] }, attributes: { axis: 1 } }),
    one('LogSoftmax', { opset: 13, data: { x: [1, 3, 4] }, attributes: { axis: 1 } }),
  ],
  MatMul: [
    ...over('MatMul', [7, 9, 13], { data: { x: [1, 4] }, constants: { w: weights(4, 3) } }),
    one('MatMul', { opset: 13, data: { x: [1, 2, 3, 4] }, constants: { w: weights(4, 5) } }),
    one('MatMul', { opset: 13, data: { x: [1, 3, 4] }, constants: { w: weights(4) } }),
    one('MatMul', { opset: 13, data: { x: [4] }, constants: { w: weights(4, 2) } }),
    one('MatMul', { opset: 13, data: { x: [4] }, constants: { w: weights(1, 1, 4, 2) } }),
    one('MatMul', { opset: 13, data: { x: [1, 4] }, constants: { w: weights(1, 1, 4, 2) } }),
    one('MatMul', {
      opset: 13,
      data: { x: [1, 4, 3] },
      constants: { w: weights(2, 4) },
      inputs: ['w', 'x'],
    }),
    one('MatMul', {
      opset: 13,
      data: { x: [1, 4, 3] },
      constants: { w: weights(4) },
      inputs: ['w', 'x'],
    }),
    one('MatMul', {
      opset: 13,
      data: { x: [4] },
      constants: { w: weights(2, 4) },
      inputs: ['w', 'x'],
    }),
    one('MatMul', {
      opset: 13,
      data: { x: [4, 3] },
      constants: { w: weights(1, 1, 2, 4) },
      inputs: ['w', 'x'],
    }),
  ],
  MaxPool: [
    ...over('MaxPool', [7, 10, 12, 22], {
      data: image,
      attributes: { kernel_shape: [2, 3], strides: [2, 2] },
    }),
    one('MaxPool', {
      opset: 12,
      data: image,
      attributes: { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1], dilations: [1, 2] },
    }),
    one('MaxPool', {
      opset: 12,
      data: image,
      attributes: { kernel_shape: [3, 3], strides: [2, 3], ceil_mode: 1, storage_order: 0 },
    }),
    one('MaxPool', {
      opset: 12,
      data: image,
      attributes: { kernel_shape: [3, 2], strides: [2, 2], auto_pad: 'SAME_LOWER' },
    }),
    one('MaxPool', { opset: 12, data: { x: [1, 2, 9] }, attributes: { kernel_shape: [2] } }),
  ],
  Mul: binary('Mul'),
  Neg: unary('Neg'),
  Pad: [
    one('Pad', { opset: 7, data: { x: [1, 2, 3] }, attributes: { pads: [0, 1, 2, 0, 0, 1] } }),
    one('Pad', {
      opset: 10,
      data: { x: [1, 2, 3] },
      attributes: { pads: [0, 1, -1, 0, 0, 1], value: { float: 0.5 }, mode: 'constant' },
    }),
    ...over('Pad', [11, 13, 18], {
      data: { x: [1, 2, 3] },
      constants: { p: int64(0, 1, 2, 0, 0, 1), v: scalarOf(-0.5) },
    }),
    one('Pad', { opset: 13, data: { x: [1, 2, 3] }, constants: { p: int64(0, 0, 0, 0, 0, 0) } }),
    one('Pad', {
      opset: 18,
      data: { x: [1, 2, 3] },
      constants: { p: int64(1, 2, 0, 3), a: int64(-1, 1) },
      inputs: ['x', 'p', '', 'a'],
    }),
  ],
  Pow: [
    ...over('Pow', [7, 12, 13, 15], { data: { x: [1, 3, 4] }, constants: { c: scalarOf(2) } }),
    ...[0, 1, 3, 4].map((power) =>
      one('Pow', { opset: 13, data: { x: [1, 5] }, constants: { c: scalarOf(power) } }),
    ),
    one('Pow', {
      opset: 13,
      data: { x: [1, 4] },
      constants: { c: { dims: [4], data: [0, 1, 2, 3] } },
    }),
    one('Pow', { opset: 13, data: { x: [1, 4] }, constants: { c: scalarOf(2, 'int64') } }),
  ],
  QuantizeLinear: [
    quantised(10, weights(3, 4), scalarOf(0.01), integers('uint8')),
    quantised(13, weights(3, 4), scalarOf(0.0078)),
    quantised(13, weights(3, 4), scalarOf(0.25), integers('int8')),
    quantised(13, weights(3, 4), reals(4), integers('int8', 4), { axis: -1 }),
    quantised(19, weights(3, 4), reals(3), integers('uint8', 3), { axis: 0 }),
    quantised(21, weights(3, 4), reals(3), integers('int16', 3), { axis: 0 }),
    quantised(21, weights(3, 4), reals(3, 2), integers('int8', 3, 2), { block_size: 2 }),
    quantised(21, weights(3, 4), scalarOf(0.1), integers('int4')),
    quantised(21, weights(3, 4), scalarOf(0.01), undefined, { output_dtype: 3 }),
    // Halves round to the even integer.
    quantised(
      13,
      { dims: [6], data: [0.5, 1.5, 2.5, -0.5, -1.5, 300] },
      scalarOf(1),
      integers('int8'),
    ),
  ],
  ReduceMean: [
    ...over('ReduceMean', [7, 11, 13], {
      data: { x: [1, 2, 3, 4] },
      attributes: { axes: [2, -1] },
    }),
    one('ReduceMean', {
      opset: 13,
      data: { x: [1, 2, 3] },
      attributes: { axes: [1], keepdims: 0 },
    }),
    one('ReduceMean', { opset: 13, data: { x: [1, 2, 3] } }),
    one('ReduceMean', { opset: 18, data: { x: [1, 2, 3] }, constants: { a: int64(-1) } }),
    one('ReduceMean', {
      opset: 18,
      data: { x: [1, 2, 3] },
      attributes: { noop_with_empty_axes: 1 },
    }),
  ],
  Relu: unary('Relu'),
  Reshape: [
    ...over('Reshape', [7, 13, 14, 19], {
      data: { x: [1, 2, 6] },
      constants: { s: int64(0, 3, -1) },
    }),
    one('Reshape', { opset: 13, data: { x: ['N', 2, 6] }, constants: { s: int64(-1, 12) } }),
    one('Reshape', {
      opset: 14,
      data: { x: [1, 2, 6] },
      constants: { s: int64(12) },
      attributes: { allowzero: 1 },
    }),
  ],
  Shape: [
    folded(
      'all extents',
      [
        { op: 'Shape', inputs: ['x'], outputs: ['s'] },
        { op: 'Reshape', inputs: ['z', 's'], outputs: ['w'] },
        { op: 'Add', inputs: ['x', 'w'], outputs: ['y'] },
      ],
      { z: weights(12) },
    ),
    folded(
      'some extents',
      [
        { op: 'Shape', inputs: ['x'], outputs: ['s'], attributes: { start: -2, end: 2 } },
        { op: 'Concat', inputs: ['s', 'rest'], outputs: ['to'], attributes: { axis: 0 } },
        { op: 'Reshape', inputs: ['x', 'to'], outputs: ['y'] },
      ],
      { rest: int64(-1) },
      15,
    ),
    folded(
      'of a constant',
      [
        { op: 'Shape', inputs: ['c'], outputs: ['s'] },
        { op: 'Reshape', inputs: ['x', 's'], outputs: ['y'] },
      ],
      { c: weights(4, 3) },
    ),
  ],
  Sigmoid: unary('Sigmoid'),
  Slice: [
    one('Slice', {
      opset: 7,
      data: { x: [1, 5, 6] },
      attributes: { starts: [1, 2], ends: [4, 1000], axes: [1, 2] },
    }),
    one('Slice', {
      opset: 9,
      data: { x: [1, 5, 6] },
      attributes: { starts: [0, -3], ends: [1, -1] },
    }),
    ...over('Slice', [10, 11, 13], {
      data: { x: [1, 5, 6] },
      constants: { s: int64(1, -2), e: int64(5, -20), a: int64(1, -1), t: int64(2, -1) },
    }),
    one('Slice', {
      opset: 13,
      data: { x: [1, 5, 6] },
      constants: { s: int64(1), e: int64(2 ** 63), a: int64(2) },
    }),
    folded(
      'of a shape',
      [
        { op: 'Shape', inputs: ['x'], outputs: ['s'] },
        { op: 'Slice', inputs: ['s', 'one', 'end'], outputs: ['t'] },
        { op: 'Concat', inputs: ['t', 'rest'], outputs: ['to'], attributes: { axis: 0 } },
        { op: 'Reshape', inputs: ['x', 'to'], outputs: ['y'] },
      ],
      { one: int64(1), end: int64(2), rest: int64(-1) },
    ),
  ],
  Softmax: [
    ...over('Softmax', [7, 11, 13], { data: { x: [1, 7] } }),
    one('Softmax', { opset: 11, data: { x: [1, 3, 4] } }),
    one('Softmax', { opset: 11, data: { x: [1, 3, 1, 1] }, attributes: { axis: 1 } }),
    one('Softmax', { opset: 13, data: { x: [1, 3, 4] } }),
    one('Softmax', { opset: 13, data: { x: [1, 3, 4] }, attributes: { axis: -2 } }),
  ],
  Squeeze: [
    ...over('Squeeze', [7, 11], { data: { x: [1, 3, 1, 2] }, attributes: { axes: [2] } }),
    one('Squeeze', { opset: 11, data: { x: [1, 3, 1, 2] } }),
    one('Squeeze', { opset: 13, data: { x: [1, 3, 1, 2] }, constants: { a: int64(-2) } }),
    one('Squeeze', { opset: 13, data: { x: [1, 3, 1, 2] } }),
  ],
  Sub: binary('Sub'),
  Sum: [
    ...over('Sum', [8, 13], { data: { x: [1, 3, 4], z: [1, 1, 4], w: [4] } }),
    one('Sum', {
      opset: 13,
      data: { x: [1, 3], z: [1, 3] },
      constants: { c: weights(3) },
      inputs: ['c', 'x', 'z'],
    }),
    one('Sum', { opset: 7, data: { x: [1, 3] } }),
  ],
  Tanh: unary('Tanh'),
  Transpose: [
    ...over('Transpose', [7, 13, 21], {
      data: { x: [1, 2, 3, 4] },
      attributes: { perm: [0, 2, 3, 1] },
    }),
    one('Transpose', { opset: 13, data: { x: [1, 2, 3] } }),
    folded(
      'of a constant',
      [
        { op: 'Transpose', inputs: ['c'], outputs: ['t'], attributes: { perm: [1, 0] } },
        { op: 'MatMul', inputs: ['x', 't'], outputs: ['y'] },
      ],
      { c: weights(4, 6) },
    ),
  ],
  Unsqueeze: [
    ...over('Unsqueeze', [7, 11], { data: { x: [1, 3] }, attributes: { axes: [1, 3] } }),
    one('Unsqueeze', { opset: 11, data: { x: [1, 3] }, attributes: { axes: [-1] } }),
    one('Unsqueeze', { opset: 13, data: { x: [1, 3] }, constants: { a: int64(0, -1) } }),
  ],
};
