import type { Tensor } from '../../ir/tensor.ts';
import { defineImporter } from '../define-importer.ts';
import type { DataValue, ImportContext } from '../define-importer.ts';
import { transposed } from '../matrices.ts';

export default defineImporter({
  operator: 'MatMul',
  summary: 'Matrix product by numpy rules, with one constant matrix.',
  inputs: [
    { name: 'A', doc: 'data […, k], or a constant [m, k]', form: 'either' },
    { name: 'B', doc: 'a constant [k, n], or data […, k, n]', form: 'either' },
  ],
  attributes: {},
  lowersTo: '`nn.dense`; `nn.transpose` before and behind it where the data is on the right.',
  notes: [
    'One of A and B must be constant, and be one matrix or one vector: a constant stack of matrices is refused.',
  ],
  import(context) {
    const [a, b] = context.inputs;
    if (a?.kind === 'data' && b?.kind === 'data') {
      return context.unsupported(
        'both matrices depend on the encrypted input',
        'use a constant weight matrix; products of encrypted matrices are not compiled yet',
      );
    }
    return b?.kind === 'constant'
      ? timesConstant(context.data(0), b.tensor, context)
      : constantTimes(context.constant(0).tensor, context.data(1), context);
  },
});

function dense(x: DataValue, weights: Tensor, context: ImportContext): DataValue {
  return context.add('nn.dense', [x], {
    weights: context.reference(weights, `${context.name}.weights`),
    bias: null,
  });
}

/** One matrix out of a constant whose leading axes have the extent 1. */
function matrixOf(constant: Tensor, context: ImportContext): Tensor {
  const extra = constant.shape.slice(0, -2);
  if (extra.some((extent) => extent !== 1)) {
    context.unsupported(
      `its constant is a stack of matrices [${constant.shape.join(',')}]`,
      'use one MatMul for each matrix',
    );
  }
  return { shape: constant.shape.slice(-2), data: constant.data };
}

function timesConstant(x: DataValue, constant: Tensor, context: ImportContext): DataValue {
  if (constant.shape.length === 1) {
    const column = { shape: [constant.data.length, 1], data: constant.data };
    const y = dense(x, column, context);
    return context.add('nn.reshape', [y], { shape: y.shape.slice(0, -1) });
  }
  const y = dense(x, matrixOf(constant, context), context);
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
    : matrixOf(constant, context);
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
