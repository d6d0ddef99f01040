import type { Tensor } from '../../ir/tensor.ts';
import { contract } from '../families/contraction.ts';
import { defineImporter } from '../define-importer.ts';
import type { DataValue, ImportContext } from '../define-importer.ts';
import { transposed } from '../families/matrices.ts';

export default defineImporter({
  operator: 'MatMul',
  summary: 'Matrix product by numpy rules.',
  inputs: [
    { name: 'A', doc: '[…, m, k] or [k]', form: 'either' },
    { name: 'B', doc: '[…, k, n] or [k]', form: 'either' },
  ],
  attributes: {},
  lowersTo:
    '`nn.dense` with one constant matrix, `nn.transpose` around it where the data is on the right; `nn.linear` with a stack of constant matrices; `nn.mul` and `nn.linear` where both are encrypted.',
  notes: [
    'Two encrypted matrices are repeated to m × k × n products, which are multiplied and summed: two levels more than a product with a constant.',
  ],
  import(context) {
    const [a, b] = context.inputs;
    if (a?.kind === 'data' && b?.kind === 'data') return stacked(context);
    const constant = context.constant(a?.kind === 'data' ? 1 : 0).tensor;
    if (constant.shape.slice(0, -2).some((extent) => extent !== 1)) return stacked(context);
    return b?.kind === 'constant'
      ? timesConstant(context.data(0), constant, context)
      : constantTimes(constant, context.data(1), context);
  },
});

/** Any product: the leading axes are aligned at the right and broadcast. */
function stacked(context: ImportContext): DataValue {
  const shapes = context.inputs.map((input) =>
    input?.kind === 'data' ? input.shape : (input?.tensor.shape ?? []),
  );
  const [left = [], right = []] = shapes;
  const inner = right[Math.max(0, right.length - 2)];
  if (left.length === 0 || right.length === 0 || left.at(-1) !== inner) {
    context.invalid(`[${left.join(',')}] and [${right.join(',')}] do not multiply`, {
      left,
      right,
    });
  }
  const leading = (shape: readonly number[]): string[] =>
    shape.slice(0, -2).map((_, axis) => `batch${shape.length - 2 - axis}`);
  const labels = [
    [...leading(left), ...(left.length > 1 ? ['m'] : []), 'k'],
    [...leading(right), 'k', ...(right.length > 1 ? ['n'] : [])],
  ];
  const longest = left.length > right.length ? leading(left) : leading(right);
  const result = [
    ...longest,
    ...(left.length > 1 ? ['m'] : []),
    ...(right.length > 1 ? ['n'] : []),
  ];
  const data = context.inputs.flatMap((value, n) =>
    value?.kind === 'data' ? [{ value, labels: labels[n]! }] : [],
  );
  const constants = context.inputs.flatMap((value, n) =>
    value?.kind === 'constant' ? [{ value: value.tensor, labels: labels[n]! }] : [],
  );
  return contract(data, constants, result, context);
}

function dense(x: DataValue, weights: Tensor, context: ImportContext): DataValue {
  return context.add('nn.dense', [x], {
    weights: context.reference(weights, `${context.name}.weights`),
    bias: null,
  });
}

/** One matrix out of a constant whose leading axes have the extent 1. */
function matrixOf({ shape, data }: Tensor): Tensor {
  return { shape: shape.slice(-2), data };
}

function timesConstant(x: DataValue, constant: Tensor, context: ImportContext): DataValue {
  if (constant.shape.length === 1) {
    const column = { shape: [constant.data.length, 1], data: constant.data };
    const y = dense(x, column, context);
    return context.add('nn.reshape', [y], { shape: y.shape.slice(0, -1) });
  }
  const y = dense(x, matrixOf(constant), context);
  return withRank(
    y,
    x.shape.length === 1 ? constant.shape.length - 1 : constant.shape.length,
    context,
  );
}

function constantTimes(constant: Tensor, x: DataValue, context: ImportContext): DataValue {
  const vector = constant.shape.length === 1;
  const matrix = vector
    ? { shape: [1, constant.data.length], data: constant.data }
    : matrixOf(constant);
  const weights = transposed(matrix);
  if (x.shape.length === 1) {
    const y = dense(x, weights, context);
    if (vector) return context.add('nn.reshape', [y], { shape: y.shape.slice(0, -1) });
    return withRank(y, constant.shape.length - 1, context);
  }
  const rank = x.shape.length;
  const permutation = [...x.shape.keys()].slice(0, -2).concat(rank - 1, rank - 2);
  const y = dense(context.add('nn.transpose', [x], { permutation }), weights, context);
  const back = context.add('nn.transpose', [y], { permutation });
  if (vector)
    return context.add('nn.reshape', [back], { shape: back.shape.toSpliced(rank - 2, 1) });
  return withRank(back, constant.shape.length, context);
}

/** Leading axes of extent 1 up to the rank that the constant brings. */
function withRank(y: DataValue, rank: number, context: ImportContext): DataValue {
  const missing = rank - y.shape.length;
  if (missing <= 0) return y;
  return context.add('nn.reshape', [y], {
    shape: [...new Array<number>(missing).fill(1), ...y.shape],
  });
}
