/** Models of one linear, structural or constant operator each: cases beside importer-cases.ts. */
import { filled } from '../support/onnx-model.ts';
import type { TestAttribute, TestModel, TestTensor } from '../support/onnx-model.ts';
import { randomSource } from '../support/random.ts';
import { folded, int64, one, over, scalarOf, weights } from './importer-cases.ts';
import type { ImporterCase } from './importer-cases.ts';

type Attributes = Readonly<Record<string, TestAttribute>>;
type Tensors = Readonly<Record<string, TestTensor>>;

const random = randomSource(424242);
const image = { x: [1, 3, 7, 8] };

/** Constants through an operator to integers, which x is multiplied by. */
function ofConstants(
  op: string,
  constants: Tensors,
  { opset = 18, attributes = {} }: { opset?: number; attributes?: Attributes } = {},
): ImporterCase {
  const text = Object.values(constants).map(
    ({ dims, type }) => `${type ?? 'float32'} [${dims.join()}]`,
  );
  return folded(
    `opset ${opset} ${text.join(' ')} ${JSON.stringify(attributes)}`,
    [
      { op, inputs: Object.keys(constants), outputs: ['r'], attributes },
      { op: 'Cast', inputs: ['r'], outputs: ['f'], attributes: { to: 1 } },
      { op: 'Mul', inputs: ['x', 'f'], outputs: ['y'] },
    ],
    constants,
    opset,
  );
}

function bools(...data: number[]): TestTensor {
  return { dims: [data.length], type: 'bool', data };
}

function reals(...data: number[]): TestTensor {
  return { dims: [data.length], data };
}

function comparison(op: string): ImporterCase[] {
  const a = reals(1, 2, 3, -1, 0, 5);
  return [
    ...[7, 9, 13]
      .flatMap((opset) =>
        op.endsWith('OrEqual') && opset < 12
          ? []
          : [
              ofConstants(
                op,
                { a, b: op === 'Equal' && opset < 11 ? a : reals(1, 3, 2, -1, 1, 5) },
                { opset },
              ),
            ],
      )
      .slice(op === 'Equal' ? 2 : 0),
    ofConstants(op, { a: int64(1, 5, 3, 4, 2, 6), b: scalarOf(3, 'int64') }),
    ofConstants(op, { a: { dims: [2, 1], data: [1, 4] }, b: reals(0, 1, 2, 3, 4, 5) }),
  ];
}

function logic(op: string): ImporterCase[] {
  return [
    ofConstants(op, { a: bools(0, 0, 1, 1, 0, 1), b: bools(0, 1, 0, 1, 1, 1) }),
    ofConstants(op, {
      a: { dims: [2, 1], type: 'bool', data: [0, 1] },
      b: bools(0, 1, 0, 1, 1, 0),
    }),
  ];
}

function reduction(op: string, since = 18): ImporterCase[] {
  const c = filled([2, 3, 6], random, 0.5, 2);
  return [
    ...[7, 11, 13]
      .filter((opset) => opset < since)
      .map((opset) => ofConstants(op, { c }, { opset, attributes: { axes: [1], keepdims: 0 } })),
    ofConstants(op, { c, a: int64(0, -2) }, { attributes: { keepdims: 0 } }),
    ofConstants(op, { c }),
    ofConstants(
      op,
      { c: filled([2, 6], random, 0.5, 2) },
      { attributes: { noop_with_empty_axes: 1 } },
    ),
  ];
}

function einsum(
  equation: string,
  data: Record<string, number[]>,
  constants: Tensors = {},
): ImporterCase {
  return one('Einsum', {
    opset: 13,
    data,
    constants,
    inputs: [...Object.keys(data), ...Object.keys(constants)].sort(),
    attributes: { equation },
  });
}

function resize(
  data: Record<string, number[]>,
  attributes: Attributes,
  {
    scales,
    sizes,
    roi,
    opset = 13,
  }: {
    scales?: readonly number[];
    sizes?: readonly number[];
    roi?: readonly number[];
    opset?: number;
  },
): ImporterCase {
  const constants: Record<string, TestTensor> = {};
  // Opset 11 wants the input, though it may be empty.
  if (roi !== undefined || opset === 11) constants['roi'] = reals(...(roi ?? []));
  if (scales !== undefined) constants['scales'] = reals(...scales);
  if (sizes !== undefined) constants['sizes'] = int64(...sizes);
  const names = opset < 11 ? ['scales'] : ['roi', 'scales', 'sizes'];
  const inputs = ['x', ...names.map((name) => (name in constants ? name : ''))];
  while (inputs.at(-1) === '') inputs.pop();
  const made = one('Resize', { opset, data, constants, inputs, attributes });
  return { ...made, title: `${made.title} ${[...(scales ?? sizes ?? [])].join()}` };
}

const plane = { x: [1, 2, 4, 5] };
const coordinates = ['half_pixel', 'pytorch_half_pixel', 'align_corners', 'asymmetric'];
const enlarged = [1, 1, 2, 3];
const uneven = [1, 1, 1.5, 0.6];

/** A node with several outputs, all of them used. */
function split(
  opset: number,
  parts: number,
  data: number[],
  attributes: Attributes = {},
  constants: Tensors = {},
): ImporterCase {
  const outputs = Array.from({ length: parts }, (_, n) => `y${n}`);
  const model: TestModel = {
    opset,
    inputs: { x: data },
    outputs,
    initializers: constants,
    nodes: [{ op: 'Split', inputs: ['x', ...Object.keys(constants)], outputs, attributes }],
  };
  return {
    title: `opset ${opset} [${data.join()}] to ${parts} ${JSON.stringify(attributes)}`,
    model,
  };
}

const truth: TestTensor = { dims: [3, 1], type: 'bool', data: [1, 0, 1] };

export const structuralCases: Readonly<Record<string, readonly ImporterCase[]>> = {
  And: logic('And'),
  CastLike: [
    one('CastLike', { opset: 15, data: { x: [1, 4] }, constants: { c: weights(1) } }),
    ofConstants('CastLike', { a: reals(1.5, -2.5, 3, 4, 5.9, 6), b: int64(1) }),
    one('CastLike', { opset: 19, data: { x: [1, 4], z: [1, 2] } }),
  ],
  Ceil: [ofConstants('Ceil', { a: reals(1.5, -2.5, 3, 0.1, -0.1, 6) })],
  ConstantOfShape: [
    folded(
      'zeros',
      [
        { op: 'ConstantOfShape', inputs: ['s'], outputs: ['c'] },
        { op: 'Add', inputs: ['x', 'c'], outputs: ['y'] },
      ],
      { s: int64(2, 1) },
    ),
    folded(
      'a value',
      [
        {
          op: 'ConstantOfShape',
          inputs: ['s'],
          outputs: ['c'],
          attributes: { value: { tensor: { dims: [1], data: [2.5] } } },
        },
        { op: 'Mul', inputs: ['x', 'c'], outputs: ['y'] },
      ],
      { s: int64(2, 6) },
    ),
    folded(
      'extents',
      [
        {
          op: 'ConstantOfShape',
          inputs: ['s'],
          outputs: ['c'],
          attributes: { value: { tensor: { dims: [1], type: 'int64', data: [2] } } },
        },
        { op: 'Concat', inputs: ['c', 'rest'], outputs: ['to'], attributes: { axis: 0 } },
        { op: 'Reshape', inputs: ['x', 'to'], outputs: ['y'] },
      ],
      { s: int64(2), rest: int64(-1) },
    ),
  ],
  ConvTranspose: [
    ...over('ConvTranspose', [7, 11, 22], {
      data: image,
      constants: { w: weights(3, 4, 3, 2), b: weights(4) },
    }),
    one('ConvTranspose', {
      opset: 11,
      data: image,
      constants: { w: weights(3, 2, 3, 3) },
      attributes: { strides: [2, 3], pads: [1, 0, 1, 2] },
    }),
    one('ConvTranspose', {
      opset: 11,
      data: image,
      constants: { w: weights(3, 2, 3, 3) },
      attributes: { strides: [3, 2], output_padding: [1, 1] },
    }),
    one('ConvTranspose', {
      opset: 11,
      data: image,
      constants: { w: weights(3, 2, 2, 3), b: weights(2) },
      attributes: { dilations: [2, 3] },
    }),
    one('ConvTranspose', {
      opset: 11,
      data: { x: [1, 4, 5, 5] },
      constants: { w: weights(4, 3, 3, 3), b: weights(6) },
      attributes: { group: 2, strides: [2, 2], kernel_shape: [3, 3] },
    }),
    one('ConvTranspose', {
      opset: 11,
      data: { x: [1, 4, 5, 5] },
      constants: { w: weights(4, 1, 2, 2) },
      attributes: { group: 4, strides: [2, 2] },
    }),
    ...['SAME_UPPER', 'SAME_LOWER', 'VALID'].map((pad) =>
      one('ConvTranspose', {
        opset: 11,
        data: { x: [1, 2, 4, 5] },
        constants: { w: weights(2, 2, 3, 4) },
        attributes: { auto_pad: pad, strides: [2, 3] },
      }),
    ),
    one('ConvTranspose', {
      opset: 11,
      data: { x: [1, 1, 3, 3] },
      constants: { w: weights(1, 2, 3, 3) },
      attributes: { strides: [3, 2], output_shape: [10, 8] },
    }),
    one('ConvTranspose', {
      opset: 11,
      data: { x: [1, 2, 9] },
      constants: { w: weights(2, 3, 4), b: weights(3) },
      attributes: { strides: [2], pads: [1, 2] },
    }),
    one('ConvTranspose', {
      opset: 11,
      data: { x: [1, 2, 3, 3, 2] },
      constants: { w: weights(2, 2, 2, 3, 2) },
      attributes: { strides: [2, 1, 2] },
    }),
    one('ConvTranspose', {
      opset: 11,
      data: { x: [2, 2, 3, 3] },
      constants: { w: weights(2, 2, 2, 2) },
    }),
  ],
  CumSum: [
    ...[{}, { exclusive: 1 }, { reverse: 1 }, { exclusive: 1, reverse: 1 }].map((attributes) =>
      one('CumSum', {
        opset: 14,
        data: { x: [1, 3, 5] },
        constants: { a: scalarOf(-1, 'int64') },
        attributes,
      }),
    ),
    one('CumSum', { opset: 11, data: { x: [2, 3, 5] }, constants: { a: scalarOf(1, 'int64') } }),
  ],
  DepthToSpace: [
    ...over('DepthToSpace', [7, 11, 13], {
      data: { x: [1, 12, 2, 3] },
      attributes: { blocksize: 2 },
    }),
    one('DepthToSpace', {
      opset: 13,
      data: { x: [2, 12, 2, 3] },
      attributes: { blocksize: 2, mode: 'CRD' },
    }),
  ],
  Einsum: [
    einsum('ij,jk->ik', { x: [1, 4] }, { y0: weights(4, 3) }),
    einsum('bij,jk->bik', { x: [1, 2, 4] }, { y0: weights(4, 3) }),
    einsum('bij, bkj -> bik', { x: [2, 3, 4] }, { y0: weights(2, 5, 4) }),
    einsum('ij,jk,kl->il', { x: [2, 3] }, { y0: weights(3, 4), z0: weights(4, 2) }),
    einsum('ii->i', { x: [3, 3] }),
    einsum('ii', { x: [3, 3] }),
    einsum('ij->ji', { x: [2, 3] }),
    einsum('bij->b', { x: [2, 3, 4] }),
    einsum('i,j->ij', { x: [3] }, { y0: weights(4) }),
    einsum('...ij,jk', { x: [2, 3, 4] }, { y0: weights(4, 5) }),
    einsum('...ij,...jk->...ik', { x: [2, 1, 3, 4] }, { y0: weights(2, 1, 4, 2) }),
    einsum('ij,jk->ik', { x: [2, 3], z: [3, 4] }),
    einsum('bij,bjk->bk', { x: [2, 3, 4], z: [2, 4, 2] }),
    einsum('ij,ij->', { x: [2, 3], z: [2, 3] }),
    einsum('i,ij,j->', { x: [2], z: [3] }, { y0: weights(2, 3) }),
    einsum('kji,ij->k', { x: [2, 3, 4], z: [4, 3] }),
  ],
  Equal: comparison('Equal'),
  Expand: [
    one('Expand', { opset: 8, data: { x: [3, 1] }, constants: { s: int64(3, 4) } }),
    one('Expand', { opset: 13, data: { x: [1, 3, 1] }, constants: { s: int64(2, 1, 6) } }),
    one('Expand', { opset: 13, data: { x: [2, 3] }, constants: { s: int64(2, 2, 3) } }),
    one('Expand', { opset: 13, data: { x: [2, 3] }, constants: { s: int64(1) } }),
    folded(
      'of a constant',
      [
        { op: 'Expand', inputs: ['c', 's'], outputs: ['e'] },
        { op: 'Mul', inputs: ['x', 'e'], outputs: ['y'] },
      ],
      { c: weights(1, 6), s: int64(2, 6) },
    ),
  ],
  Floor: [ofConstants('Floor', { a: reals(1.5, -2.5, 3, 0.1, -0.1, 6) })],
  Gather: [
    one('Gather', {
      opset: 13,
      data: { x: [2, 5, 3] },
      constants: { i: int64(4, 0, 0, 2, -1) },
      attributes: { axis: 1 },
    }),
  ],
  GatherElements: [
    one('GatherElements', {
      opset: 13,
      data: { x: [3, 3] },
      constants: { i: { dims: [2, 3], type: 'int64', data: [1, 2, 0, 2, 0, 0] } },
    }),
    one('GatherElements', {
      opset: 11,
      data: { x: [2, 3, 4] },
      constants: {
        i: {
          dims: [2, 2, 4],
          type: 'int64',
          data: [0, 1, 2, -1, 1, 1, 0, 0, 2, 2, 1, -3, 0, 1, 2, 0],
        },
      },
      attributes: { axis: -2 },
    }),
  ],
  GatherND: [
    one('GatherND', {
      opset: 11,
      data: { x: [2, 2] },
      constants: { i: { dims: [2, 2], type: 'int64', data: [0, 0, 1, 1] } },
    }),
    one('GatherND', {
      opset: 12,
      data: { x: [2, 3, 2] },
      constants: { i: { dims: [2, 1], type: 'int64', data: [1, -1] } },
    }),
    one('GatherND', {
      opset: 13,
      data: { x: [2, 3, 2] },
      constants: { i: { dims: [2, 1], type: 'int64', data: [1, 2] } },
      attributes: { batch_dims: 1 },
    }),
    one('GatherND', {
      opset: 13,
      data: { x: [2, 3, 2] },
      constants: { i: { dims: [2, 2, 2], type: 'int64', data: [0, 1, 1, 0, 0, 0, 1, 2] } },
    }),
  ],
  Gemm: [
    one('Gemm', { opset: 13, data: { x: [2, 3], z: [3, 4] } }),
    one('Gemm', {
      opset: 13,
      data: { x: [3, 2], z: [4, 3] },
      constants: { c: weights(4) },
      attributes: { transA: 1, transB: 1, alpha: { float: 0.5 }, beta: { float: 2 } },
    }),
  ],
  Greater: comparison('Greater'),
  GreaterOrEqual: comparison('GreaterOrEqual'),
  Less: comparison('Less'),
  LessOrEqual: comparison('LessOrEqual'),
  MatMul: [
    one('MatMul', { opset: 13, data: { x: [2, 3, 4] }, constants: { w: weights(2, 4, 5) } }),
    one('MatMul', { opset: 13, data: { x: [3, 4] }, constants: { w: weights(2, 4, 5) } }),
    one('MatMul', { opset: 13, data: { x: [4] }, constants: { w: weights(2, 4, 5) } }),
    one('MatMul', {
      opset: 13,
      data: { x: [5, 2, 3] },
      constants: { w: weights(2, 1, 4, 2) },
      inputs: ['w', 'x'],
    }),
    one('MatMul', { opset: 13, data: { x: [2, 3], z: [3, 4] } }),
    one('MatMul', { opset: 13, data: { x: [2, 2, 3], z: [3] } }),
    one('MatMul', { opset: 13, data: { x: [1, 2, 3], z: [4, 3, 2] } }),
    one('MatMul', { opset: 13, data: { x: [3], z: [3] } }),
    one('MatMul', { opset: 13, data: { x: [3, 3] }, inputs: ['x', 'x'] }),
  ],
  Max: [
    ofConstants('Max', {
      a: reals(1, 2, 3, 4, 5, 6),
      b: reals(3),
      c: { dims: [2, 1], data: [2, 5] },
    }),
    ofConstants('Max', { a: int64(1, 2, 3, 4, 5, 6), b: int64(3) }),
  ],
  Mean: [
    ...over('Mean', [8, 13], { data: { x: [1, 3, 4], z: [1, 1, 4], w: [4] } }),
    one('Mean', {
      opset: 13,
      data: { x: [1, 3], z: [1, 3] },
      constants: { c: weights(3) },
      inputs: ['c', 'x', 'z'],
    }),
    one('Mean', { opset: 13, data: { x: [1, 3] } }),
  ],
  Min: [
    ofConstants('Min', {
      a: reals(1, 2, 3, 4, 5, 6),
      b: reals(3),
      c: { dims: [2, 1], data: [2, 5] },
    }),
  ],
  Mod: [
    ofConstants('Mod', { a: int64(-4, 7, 5, 4, -7, 8), b: int64(2, -3, 8, -2, 3, 5) }),
    ofConstants(
      'Mod',
      { a: int64(-4, 7, 5, 4, -7, 8), b: int64(2, -3, 8, -2, 3, 5) },
      { attributes: { fmod: 1 } },
    ),
    ofConstants(
      'Mod',
      { a: reals(-4.3, 7.2, 5, 4.3, -7.2, 8), b: reals(2.1, -3.4, 8, -2.1, 3.4, 5) },
      { attributes: { fmod: 1 } },
    ),
  ],
  Not: [ofConstants('Not', { a: bools(0, 1, 1, 0, 0, 1) })],
  Or: logic('Or'),
  Pad: [
    ...['reflect', 'edge'].map((mode) =>
      one('Pad', {
        opset: 7,
        data: { x: [1, 4, 5] },
        attributes: { mode, pads: [0, 1, 3, 0, 2, 1] },
      }),
    ),
    ...['reflect', 'edge', 'wrap'].map((mode) =>
      one('Pad', {
        opset: 19,
        data: { x: [1, 4, 5] },
        constants: { p: int64(0, 1, 3, 0, 2, 1) },
        attributes: { mode },
      }),
    ),
    ...['reflect', 'edge'].map((mode) =>
      one('Pad', {
        opset: 13,
        data: { x: [1, 5, 6] },
        constants: { p: int64(0, -1, 2, 0, 2, -2) },
        attributes: { mode },
      }),
    ),
  ],
  Range: [
    ofConstants('Range', {
      a: scalarOf(1, 'int64'),
      b: scalarOf(13, 'int64'),
      d: scalarOf(2, 'int64'),
    }),
    ofConstants('Range', { a: scalarOf(3), b: scalarOf(0.1), d: scalarOf(-0.5) }),
  ],
  ReduceL1: reduction('ReduceL1'),
  ReduceL2: reduction('ReduceL2'),
  ReduceLogSum: reduction('ReduceLogSum'),
  ReduceLogSumExp: reduction('ReduceLogSumExp'),
  ReduceMax: reduction('ReduceMax'),
  ReduceMin: reduction('ReduceMin'),
  ReduceProd: [...reduction('ReduceProd'), ofConstants('ReduceProd', { c: int64(2, 3, 4) })],
  ReduceSum: [
    ...reduction('ReduceSum', 13),
    one('ReduceSum', { opset: 11, data: { x: [1, 2, 3, 4] }, attributes: { axes: [1, -1] } }),
    one('ReduceSum', {
      opset: 13,
      data: { x: [2, 3, 4] },
      constants: { a: int64(1) },
      attributes: { keepdims: 0 },
    }),
    one('ReduceSum', { opset: 13, data: { x: [2, 3] } }),
    one('ReduceSum', { opset: 13, data: { x: [2, 3] }, attributes: { noop_with_empty_axes: 1 } }),
  ],
  ReduceSumSquare: [
    ...reduction('ReduceSumSquare'),
    one('ReduceSumSquare', { opset: 11, data: { x: [1, 2, 3, 4] }, attributes: { axes: [1, -1] } }),
    one('ReduceSumSquare', {
      opset: 18,
      data: { x: [2, 3, 4] },
      constants: { a: int64(1) },
      attributes: { keepdims: 0 },
    }),
  ],
  Resize: [
    resize(plane, {}, { scales: enlarged }),
    resize(plane, { mode: 'nearest' }, { scales: enlarged, opset: 10 }),
    resize(plane, { mode: 'linear' }, { scales: enlarged, opset: 10 }),
    ...coordinates.flatMap((mode) =>
      ['round_prefer_floor', 'round_prefer_ceil', 'floor', 'ceil'].flatMap((nearest) => [
        resize(
          plane,
          { coordinate_transformation_mode: mode, nearest_mode: nearest },
          { scales: enlarged },
        ),
        resize(
          plane,
          { coordinate_transformation_mode: mode, nearest_mode: nearest },
          { sizes: [1, 2, 7, 3] },
        ),
      ]),
    ),
    ...coordinates.flatMap((mode) =>
      ['linear', 'cubic'].flatMap((kind) => [
        resize(plane, { coordinate_transformation_mode: mode, mode: kind }, { scales: enlarged }),
        resize(
          plane,
          { coordinate_transformation_mode: mode, mode: kind },
          { scales: uneven, opset: 11 },
        ),
        resize(
          plane,
          { coordinate_transformation_mode: mode, mode: kind },
          { sizes: [1, 2, 3, 9], opset: 19 },
        ),
      ]),
    ),
    resize(
      plane,
      { mode: 'cubic', exclude_outside: 1, cubic_coeff_a: { float: -0.5 } },
      { scales: enlarged },
    ),
    resize(
      plane,
      { mode: 'linear', coordinate_transformation_mode: 'half_pixel_symmetric' },
      { scales: uneven, opset: 19 },
    ),
    resize(
      plane,
      { coordinate_transformation_mode: 'half_pixel_symmetric' },
      { scales: uneven, opset: 19 },
    ),
    resize(
      plane,
      { coordinate_transformation_mode: 'tf_half_pixel_for_nn' },
      { scales: enlarged, opset: 11 },
    ),
    resize(
      plane,
      {
        mode: 'linear',
        coordinate_transformation_mode: 'tf_crop_and_resize',
        extrapolation_value: { float: 10 },
      },
      { sizes: [1, 2, 3, 3], roi: [0, 0, 0.4, 0.6, 1, 1, 1.2, 1.7] },
    ),
    resize(
      plane,
      { mode: 'linear', coordinate_transformation_mode: 'tf_crop_and_resize' },
      { sizes: [1, 2, 3, 3], roi: [0, 0, 0.4, 0.1, 1, 1, 0.8, 0.7] },
    ),
    resize(plane, { mode: 'linear', antialias: 1 }, { scales: [1, 1, 0.6, 0.6], opset: 18 }),
    resize(plane, { mode: 'cubic', antialias: 1 }, { scales: [1, 1, 0.6, 0.6], opset: 18 }),
    resize(plane, { mode: 'linear', axes: [3, 2] }, { scales: [2, 1.5], opset: 18 }),
    resize(
      plane,
      { axes: [2, 3], keep_aspect_ratio_policy: 'not_larger' },
      { sizes: [7, 8], opset: 18 },
    ),
    resize(
      plane,
      { axes: [2, 3], keep_aspect_ratio_policy: 'not_smaller' },
      { sizes: [7, 8], opset: 18 },
    ),
    resize({ x: [1, 2, 6] }, { mode: 'linear' }, { scales: [1, 1, 1.5] }),
    resize({ x: [1, 1, 3, 2, 4] }, { mode: 'linear' }, { scales: [1, 1, 2, 2, 2] }),
  ],
  ReverseSequence: [
    one('ReverseSequence', {
      opset: 10,
      data: { x: [4, 3] },
      constants: { l: int64(4, 2, 1) },
      attributes: { time_axis: 0, batch_axis: 1 },
    }),
    one('ReverseSequence', {
      opset: 10,
      data: { x: [2, 4, 2] },
      constants: { l: int64(3, 4) },
      attributes: { time_axis: 1, batch_axis: 0 },
    }),
  ],
  Round: [ofConstants('Round', { a: reals(1.5, -2.5, 2.5, 0.4, -0.6, 6) })],
  Size: [
    folded(
      'of the input',
      [
        { op: 'Size', inputs: ['x'], outputs: ['n'] },
        { op: 'Unsqueeze', inputs: ['n', 'zero'], outputs: ['s'] },
        { op: 'Reshape', inputs: ['x', 's'], outputs: ['y'] },
      ],
      { zero: int64(0) },
    ),
    ofConstants('Size', { c: weights(2, 5) }),
  ],
  SpaceToDepth: over('SpaceToDepth', [7, 13], {
    data: { x: [2, 3, 4, 6] },
    attributes: { blocksize: 2 },
  }),
  Split: [
    split(7, 2, [1, 6], { axis: 1 }),
    split(11, 3, [2, 6, 2], { axis: -2, split: [1, 3, 2] }),
    split(13, 2, [6, 2]),
    split(13, 3, [2, 6], { axis: 1 }, { s: int64(1, 2, 3) }),
    split(18, 2, [1, 7], { axis: 1, num_outputs: 2 }),
    split(18, 3, [9], { num_outputs: 3 }),
    folded(
      'of extents',
      [
        { op: 'Shape', inputs: ['x'], outputs: ['s'] },
        { op: 'Split', inputs: ['s', 'parts'], outputs: ['n', 'r'] },
        { op: 'Concat', inputs: ['r', 'n'], outputs: ['to'], attributes: { axis: 0 } },
        { op: 'Reshape', inputs: ['x', 'to'], outputs: ['y'] },
      ],
      { parts: int64(1, 2) },
    ),
  ],
  Tile: [
    ...over('Tile', [7, 13], { data: { x: [1, 2, 3] }, constants: { r: int64(2, 1, 3) } }),
    one('Tile', { opset: 13, data: { x: [2, 3] }, constants: { r: int64(1, 1) } }),
    ofConstants('Tile', { c: weights(1, 3), n: int64(2, 2) }),
  ],
  Trilu: [
    one('Trilu', { opset: 14, data: { x: [4, 5] } }),
    one('Trilu', { opset: 14, data: { x: [2, 4, 3] }, attributes: { upper: 0 } }),
    one('Trilu', { opset: 14, data: { x: [4, 5] }, constants: { k: scalarOf(2, 'int64') } }),
    one('Trilu', {
      opset: 14,
      data: { x: [4, 5] },
      constants: { k: scalarOf(-1, 'int64') },
      attributes: { upper: 0 },
    }),
  ],
  Upsample: [
    one('Upsample', { opset: 7, data: plane, attributes: { scales: { floats: [1, 1, 2, 3] } } }),
    one('Upsample', {
      opset: 9,
      data: plane,
      constants: { s: reals(1, 1, 2, 2) },
      attributes: { mode: 'linear' },
    }),
    one('Upsample', { opset: 9, data: plane, constants: { s: reals(1, 1, 1.5, 2.2) } }),
  ],
  Where: [
    ...over('Where', [9, 16], {
      data: { x: [1, 3, 4], z: [3, 4] },
      constants: { c: truth },
      inputs: ['c', 'x', 'z'],
    }),
    one('Where', {
      opset: 9,
      data: { x: [1, 3, 4] },
      constants: { c: truth, v: scalarOf(-7) },
      inputs: ['c', 'v', 'x'],
    }),
    one('Where', {
      opset: 9,
      data: { x: [1, 4] },
      constants: { c: truth, v: weights(4) },
      inputs: ['c', 'x', 'v'],
    }),
    one('Where', {
      opset: 9,
      data: { x: [1, 4], z: [2, 3, 1] },
      constants: { c: bools(1, 1, 1, 1) },
      inputs: ['c', 'x', 'z'],
    }),
    ofConstants('Where', {
      c: bools(1, 0, 0, 1, 1, 0),
      a: int64(1, 2, 3, 4, 5, 6),
      b: scalarOf(9, 'int64'),
    }),
  ],
  Xor: logic('Xor'),
};
