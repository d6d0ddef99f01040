/** Models of one activation each, on arguments that reach every branch of it. */
import { filled } from '../support/onnx-model.ts';
import type { TestAttribute, TestTensor } from '../support/onnx-model.ts';
import { randomSource } from '../support/random.ts';
import type { ImporterCase } from './importer-cases.ts';

const random = randomSource(20250202);

function scalarOf(value: number): TestTensor {
  return { dims: [], data: [value] };
}

interface Use {
  readonly opsets?: readonly number[];
  /** The argument is x · scale + offset, x in [−1, 1]. */
  readonly scale?: number;
  readonly offset?: number;
  readonly attributes?: Readonly<Record<string, TestAttribute>>;
  readonly constants?: Readonly<Record<string, TestTensor>>;
  /** '' leaves an optional input out; the argument is "a". */
  readonly inputs?: readonly string[];
}

const scaled = [
  { op: 'Mul', inputs: ['x', 'scale'], outputs: ['m'] },
  { op: 'Add', inputs: ['m', 'offset'], outputs: ['a'] },
];
/** ONNX Runtime has no arithmetic of opset 6. */
const unscaled = [{ op: 'Identity', inputs: ['x'], outputs: ['a'] }];

/** op(x · scale + offset), op(x) before opset 7. */
function of(op: string, use: Use = {}): ImporterCase[] {
  const { opsets = [7, 13, 16], scale = 1, offset = 0, attributes = {}, constants = {} } = use;
  const inputs = use.inputs ?? ['a', ...Object.keys(constants)];
  return opsets.map((opset) => ({
    title: `opset ${opset} of ${scale}·x + ${offset} ${JSON.stringify(attributes)} ${inputs.join(' ')}`,
    model: {
      opset,
      inputs: { x: [1, 3, 5] },
      outputs: ['y'],
      initializers: { scale: scalarOf(scale), offset: scalarOf(offset), ...constants },
      nodes: [...(opset < 7 ? unscaled : scaled), { op, inputs, outputs: ['y'], attributes }],
    },
  }));
}

const float = (value: number): TestAttribute => ({ float: value });

export const activationCases: Readonly<Record<string, readonly ImporterCase[]>> = {
  Abs: of('Abs', { opsets: [7, 13] }),
  Acos: of('Acos', { opsets: [7, 22] }),
  Acosh: of('Acosh', { opsets: [9, 22], offset: 2.25 }),
  Asin: of('Asin', { opsets: [7, 22] }),
  Asinh: of('Asinh', { opsets: [9, 22], scale: 4 }),
  Atan: of('Atan', { opsets: [7, 22], scale: 4 }),
  Atanh: of('Atanh', { opsets: [9, 22], scale: 0.9 }),
  Celu: [
    ...of('Celu', { opsets: [12], scale: 4 }),
    ...of('Celu', { opsets: [12], scale: 4, attributes: { alpha: float(0.5) } }),
  ],
  Clip: [
    ...of('Clip', { opsets: [6], attributes: { min: float(-0.25), max: float(0.5) } }),
    ...of('Clip', { opsets: [6], attributes: { max: float(0.5) } }),
    ...of('Clip', {
      opsets: [11, 13],
      scale: 9,
      constants: { lo: scalarOf(0), hi: scalarOf(6) },
    }),
    ...of('Clip', { opsets: [13], constants: { lo: scalarOf(0.25) } }),
    ...of('Clip', { opsets: [13], constants: { hi: scalarOf(0.25) }, inputs: ['a', '', 'hi'] }),
    ...of('Clip', { opsets: [13] }),
    // The upper bound wins where the bounds cross.
    ...of('Clip', { opsets: [13], constants: { lo: scalarOf(0.5), hi: scalarOf(-0.5) } }),
  ],
  Cos: of('Cos', { opsets: [7, 22], scale: 9 }),
  Cosh: of('Cosh', { opsets: [9, 22], scale: 3 }),
  Div: [
    // Constants and values over an encrypted divisor.
    ...of('Div', {
      offset: 2.5,
      constants: { c: filled([5], random, -1, 1) },
      inputs: ['c', 'a'],
    }),
    ...of('Div', { offset: 2.5, inputs: ['x', 'a'] }),
  ],
  Elu: [
    ...of('Elu', { opsets: [7, 22], scale: 3 }),
    ...of('Elu', { opsets: [7], scale: 3, attributes: { alpha: float(-0.5) } }),
  ],
  Erf: of('Erf', { opsets: [9, 13], scale: 4 }),
  Exp: of('Exp', { opsets: [7, 13], scale: 3 }),
  Gelu: [
    ...of('Gelu', { opsets: [20], scale: 5 }),
    ...of('Gelu', { opsets: [20], scale: 5, attributes: { approximate: 'tanh' } }),
    ...of('Gelu', { opsets: [20], scale: 5, attributes: { approximate: 'none' } }),
  ],
  HardSigmoid: [
    ...of('HardSigmoid', { opsets: [7, 22], scale: 6 }),
    ...of('HardSigmoid', {
      opsets: [7],
      scale: 6,
      attributes: { alpha: float(0.25), beta: float(0.375) },
    }),
  ],
  HardSwish: of('HardSwish', { opsets: [14, 22], scale: 5 }),
  LeakyRelu: of('LeakyRelu', { opsets: [7, 16], attributes: { alpha: float(0.125) } }),
  Log: of('Log', { opsets: [7, 13], offset: 1.25 }),
  Max: [
    ...of('Max', { opsets: [8, 13], constants: { c: filled([3, 1], random, -0.5, 0.5) } }),
    ...of('Max', { opsets: [13], inputs: ['a', 'x', 'm'], scale: -2, offset: 0.25 }),
    ...of('Max', {
      opsets: [13],
      constants: { c: scalarOf(-0.25), d: filled([2, 1, 5], random, -1, 1) },
      inputs: ['c', 'a', 'd'],
    }),
  ],
  Min: [
    ...of('Min', { opsets: [8, 13], constants: { c: filled([3, 1], random, -0.5, 0.5) } }),
    ...of('Min', { opsets: [13], inputs: ['a', 'x', 'm'], scale: -2, offset: 0.25 }),
    ...of('Min', { opsets: [13], inputs: ['a', 'a'] }),
  ],
  Mish: of('Mish', { opsets: [18, 22], scale: 5 }),
  PRelu: [
    ...of('PRelu', { opsets: [7, 16], constants: { s: filled([3, 1], random, -1, 1) } }),
    ...of('PRelu', { opsets: [9], constants: { s: filled([1], random, 0, 1) } }),
    ...of('PRelu', { opsets: [16], constants: { s: filled([3, 5], random, -1, 1) } }),
  ],
  Pow: [
    ...of('Pow', { opsets: [7, 13], offset: 1.5, constants: { c: scalarOf(0.5) } }),
    ...of('Pow', { opsets: [13], offset: 1.5, constants: { c: scalarOf(-2) } }),
    ...of('Pow', { opsets: [13], offset: -2.5, constants: { c: scalarOf(-1) } }),
    ...of('Pow', {
      opsets: [13],
      offset: 1.5,
      constants: { c: { dims: [5], data: [0.5, 2, -1, 0, 1.5] } },
    }),
    ...of('Pow', { opsets: [13], constants: { c: scalarOf(2) }, inputs: ['c', 'a'] }),
    ...of('Pow', {
      opsets: [13],
      constants: { c: filled([3, 1], random, 0.5, 2) },
      inputs: ['c', 'a'],
    }),
  ],
  Reciprocal: of('Reciprocal', { opsets: [7, 13], offset: -1.5 }),
  Relu: of('Relu', { opsets: [7, 14] }),
  Selu: [
    ...of('Selu', { opsets: [7, 22], scale: 3 }),
    ...of('Selu', { opsets: [7], attributes: { alpha: float(2), gamma: float(0.5) } }),
  ],
  Shrink: [
    ...of('Shrink', { opsets: [9] }),
    ...of('Shrink', { opsets: [9], attributes: { bias: float(0.25), lambd: float(0.25) } }),
  ],
  Sigmoid: of('Sigmoid', { scale: 6 }),
  Sin: of('Sin', { opsets: [7, 22], scale: 9 }),
  Sinh: of('Sinh', { opsets: [9, 22], scale: 3 }),
  Softplus: of('Softplus', { opsets: [7, 22], scale: 30 }),
  Softsign: of('Softsign', { opsets: [7, 22], scale: 5 }),
  Sqrt: of('Sqrt', { opsets: [7, 13], offset: 1 }),
  Swish: [
    ...of('Swish', { opsets: [24], scale: 5 }),
    ...of('Swish', { opsets: [24], scale: 5, attributes: { alpha: float(1.702) } }),
    ...of('Swish', { opsets: [24], scale: 5, attributes: { alpha: float(-0.5) } }),
  ],
  Tan: of('Tan', { opsets: [7, 22] }),
  Tanh: of('Tanh', { scale: 4 }),
  ThresholdedRelu: [
    ...of('ThresholdedRelu', { opsets: [10, 22], scale: 3 }),
    ...of('ThresholdedRelu', { opsets: [10], attributes: { alpha: float(-0.5) } }),
  ],
};
