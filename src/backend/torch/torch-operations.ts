/** Operators of the nn dialect as expressions of PyTorch. */
import { constantAttribute, numberOf, numbersOf } from '../../ir/attribute-values.ts';
import { operationOf } from '../../ir/program.ts';
import type { Operation, Program } from '../../ir/program.ts';
import type { Tensor } from '../../ir/tensor.ts';
import { magnitude, shapeOf } from '../../ir/types.ts';
import { denseMatrices } from './dense-matrix.ts';
import { pythonBoolean, pythonNumber, pythonTuple } from './python-literals.ts';

/** What an expression needs of the module around it. */
export interface TorchContext {
  readonly program: Program;
  /** Variables that hold the operands; x is the first. */
  readonly operands: readonly string[];
  readonly x: string;
  /** Whether axis 0 may have any extent. */
  readonly batched: boolean;
  /** A tensor that training changes: the expression that reads it. */
  parameter(tensor: Tensor, hint: string): string;
  /** One that stays. */
  buffer(tensor: Tensor, hint: string): string;
  /** A trainable polynomial for arguments in a range. */
  polynomial(coefficients: Tensor, range: readonly [number, number]): string;
  /** Where the polynomial of this node was fitted; null where it is the model's own. */
  readonly fitRange: readonly [number, number] | null;
}

type Expression = (operation: Operation, context: TorchContext) => string;

/** The expression of an operation. Throws MODEL_UNSUPPORTED naming the node. */
export function torchExpression(operation: Operation, context: TorchContext): string {
  return (expressions[operation.op] ?? matrixProduct)(operation, context);
}

const sign =
  (symbol: string): Expression =>
  (_, { operands: [a = '', b = ''] }) =>
    `${a} ${symbol} ${b}`;

const expressions: Readonly<Record<string, Expression>> = {
  'nn.add': sign('+'),
  'nn.sub': sign('-'),
  'nn.mul': sign('*'),
  'nn.negate': (_, { x }) => `-${x}`,
  'nn.identity': (_, { x }) => x,
  'nn.add-constant': (operation, context) =>
    `${context.x} + ${constantTerm(operation, 'value', context)}`,
  'nn.scale': (operation, context) =>
    `${context.x} * ${constantTerm(operation, 'factor', context)}`,
  'nn.polynomial': polynomial,
  'nn.conv': convolution,
  'nn.dense': dense,
  'nn.batch-norm': batchNorm,
  'nn.average-pool': averagePool,
  'nn.pad': (operation, { x }) =>
    `F.pad(${x}, ${torchPads(numbersOf(operation, 'pads'))}, value=${pythonNumber(numberOf(operation, 'value'))})`,
  'nn.concat': (operation, { operands }) =>
    `torch.cat(${pythonTuple(operands)}, dim=${numberOf(operation, 'axis')})`,
  'nn.reshape': (operation, { x, batched }) =>
    `${x}.reshape(${pythonTuple(anyImages(numbersOf(operation, 'shape'), batched))})`,
  'nn.transpose': (operation, { x }) =>
    `${x}.permute(${numbersOf(operation, 'permutation').join(', ')})`,
  'nn.reduce-mean': mean,
  'nn.slice': slice,
};

/** Of one number, as in a division by 255, the number itself: training leaves it alone. */
function constantTerm(operation: Operation, name: string, context: TorchContext): string {
  const tensor = constantAttribute(context.program, operation, name);
  const [only] = tensor.data;
  if (tensor.data.length === 1 && tensor.shape.length <= shapeOf(operation.type).length) {
    const term = pythonNumber(only!);
    return term.startsWith('-') ? `(${term})` : term;
  }
  return context.parameter(tensor, name);
}

function polynomial(operation: Operation, context: TorchContext): string {
  const { program } = context;
  const { range } = operationOf(program, operation.operands[0]!).type;
  const known = Number.isFinite(magnitude(range)) && range !== null && range.lo < range.hi;
  const own = context.fitRange ?? (known ? ([range.lo, range.hi] as const) : [-1, 1]);
  const coefficients = constantAttribute(program, operation, 'coefficients');
  return `${context.polynomial(coefficients, own)}(${context.x})`;
}

/** Over no axes PyTorch would take the mean of all. */
function mean(operation: Operation, { x }: TorchContext): string {
  const axes = numbersOf(operation, 'axes');
  const keep = pythonBoolean(operation.attributes.keepDims === true);
  return axes.length === 0 ? x : `${x}.mean(dim=${pythonTuple(axes)}, keepdim=${keep})`;
}

/** Axes that PyTorch has windows over. */
const mostSpatialAxes = 3;

interface EvenPads {
  /** Before and behind each axis alike; 0 where `F.pad` does it. */
  readonly padding: readonly number[];
  /** The operand, padded where that has to be done first. */
  readonly x: string;
}

/** Padding as an argument where it is the same before and behind, else as a step of its own. */
function padded(x: string, pads: readonly number[]): EvenPads {
  const rank = pads.length / 2;
  const before = pads.slice(0, rank);
  if (before.every((pad, axis) => pad === pads[rank + axis])) return { padding: before, x };
  return { padding: before.map(() => 0), x: `F.pad(${x}, ${torchPads(pads)})` };
}

/** Pads as `F.pad` takes them: the last axis first, before and behind together. */
function torchPads(pads: readonly number[]): string {
  const rank = pads.length / 2;
  const axes = Array.from({ length: rank }, (_, k) => rank - 1 - k);
  return pythonTuple(axes.flatMap((axis) => [pads[axis]!, pads[rank + axis]!]));
}

function convolution(operation: Operation, context: TorchContext): string {
  const { program } = context;
  const weights = constantAttribute(program, operation, 'weights');
  const rank = weights.shape.length - 2;
  if (rank < 1 || rank > mostSpatialAxes) return matrixProduct(operation, context);
  const { padding, x } = padded(context.x, numbersOf(operation, 'pads'));
  const bias =
    operation.attributes.bias === null
      ? 'None'
      : context.parameter(constantAttribute(program, operation, 'bias'), 'bias');
  const words = [
    x,
    context.parameter(weights, 'weights'),
    bias,
    `stride=${pythonTuple(numbersOf(operation, 'strides'))}`,
    `padding=${pythonTuple(padding)}`,
    `dilation=${pythonTuple(numbersOf(operation, 'dilations'))}`,
    `groups=${numberOf(operation, 'groups')}`,
  ];
  return `F.conv${rank}d(${words.join(', ')})`;
}

function dense(operation: Operation, context: TorchContext): string {
  const { program } = context;
  const weights = constantAttribute(program, operation, 'weights');
  const product = `${context.x} @ ${context.parameter(weights, 'weights')}`;
  if (operation.attributes.bias === null) return product;
  return `${product} + ${context.parameter(constantAttribute(program, operation, 'bias'), 'bias')}`;
}

/** With the statistics of the training, which stay. */
function batchNorm(operation: Operation, context: TorchContext): string {
  const of = (name: string): Tensor => {
    const { data } = constantAttribute(context.program, operation, name);
    return { shape: [data.length], data };
  };
  const words = [
    context.x,
    context.buffer(of('mean'), 'mean'),
    context.buffer(of('variance'), 'variance'),
    context.parameter(of('scale'), 'scale'),
    context.parameter(of('bias'), 'bias'),
    `eps=${pythonNumber(numberOf(operation, 'epsilon'))}`,
  ];
  return `F.batch_norm(${words.join(', ')})`;
}

function averagePool(operation: Operation, context: TorchContext): string {
  const kernel = numbersOf(operation, 'kernelShape');
  const pads = numbersOf(operation, 'pads');
  const { padding, x } = padded(context.x, pads);
  const dilated = numbersOf(operation, 'dilations').some((step) => step !== 1);
  const uneven = x !== context.x;
  // PyTorch pads by half a window at most.
  const wide = padding.some((pad, axis) => 2 * pad > kernel[axis]!);
  if (dilated || uneven || wide || kernel.length > mostSpatialAxes) {
    return matrixProduct(operation, context);
  }
  const words = [
    x,
    pythonTuple(kernel),
    `stride=${pythonTuple(numbersOf(operation, 'strides'))}`,
    `padding=${pythonTuple(padding)}`,
    `ceil_mode=${pythonBoolean(operation.attributes.ceilMode === true)}`,
    `count_include_pad=${pythonBoolean(operation.attributes.countIncludePad === true)}`,
  ];
  return `F.avg_pool${kernel.length}d(${words.join(', ')})`;
}

/** PyTorch has no negative steps: such axes are walked forwards, then turned around. */
function slice(operation: Operation, { program, x, batched }: TorchContext): string {
  const from = shapeOf(operationOf(program, operation.operands[0]!).type);
  const shape = numbersOf(operation, 'shape');
  const steps = numbersOf(operation, 'steps');
  const starts = numbersOf(operation, 'starts');
  const parts = from.map((extent, axis) => {
    const [start, step, count] = [starts[axis]!, steps[axis]!, shape[axis]!];
    const last = start + (count - 1) * step;
    const [first, end] = [Math.min(start, last), Math.max(start, last) + 1];
    if ((batched && axis === 0) || (first === 0 && end === extent && Math.abs(step) === 1)) {
      return ':';
    }
    return `${first}:${end}${Math.abs(step) === 1 ? '' : `:${Math.abs(step)}`}`;
  });
  const taken = parts.every((part) => part === ':') ? x : `${x}[${parts.join(', ')}]`;
  const turned = steps.flatMap((step, axis) => (step < 0 && shape[axis]! > 1 ? [axis] : []));
  return turned.length === 0 ? taken : `torch.flip(${taken}, dims=${pythonTuple(turned)})`;
}

/** What has no function of its own, as products with matrices that stay as they are. */
function matrixProduct(operation: Operation, context: TorchContext): string {
  const { matrices, bias } = denseMatrices(context.program, operation);
  const { batched } = context;
  const rows = batched ? -1 : 1;
  const products = matrices.map((matrix, k) => {
    const own = context.buffer(matrix, 'matrix');
    return `${context.operands[k] ?? ''}.reshape(${rows}, ${matrix.shape[0] ?? 1}) @ ${own}`;
  });
  const sum = [...products, ...(bias === null ? [] : [context.buffer(bias, 'offset')])];
  const shape = anyImages(shapeOf(operation.type), batched);
  return `(${sum.join(' + ')}).reshape(${pythonTuple(shape)})`;
}

/** A shape as `reshape` takes it, for any number of images where there may be many. */
function anyImages(shape: readonly number[], batched: boolean): readonly number[] {
  return batched ? [-1, ...shape.slice(1)] : shape;
}
