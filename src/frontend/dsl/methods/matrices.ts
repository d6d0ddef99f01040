/** Products with constant matrices. */
import { defineMethod, operand, parameter, shapeOfNode } from '../define-method.ts';
import type { MethodContext } from '../define-method.ts';
import type { NodeValue } from '../../define-importer.ts';

const bias = parameter('bias', operand.optional(), 'constant added to the product');

/** The product, plus a bias where one is given. */
function affine(
  x: NodeValue,
  weights: NodeValue,
  offset: unknown,
  context: MethodContext,
): NodeValue {
  const rank = shapeOfNode(weights).length;
  if (rank !== 2) {
    return context.invalid(
      `its weights are [${shapeOfNode(weights).join(',')}]`,
      'give a matrix, as nested arrays or as a tensor of rank 2',
    );
  }
  const y = context.apply('MatMul', [x, weights]);
  return offset === undefined ? y : context.apply('Add', [y, context.node(offset)]);
}

export const matrices = {
  matmul: defineMethod({
    summary: 'Matrix product by the rules of numpy.',
    parameters: [parameter('matrix', operand, 'constant [k, n]')],
    build: (x, [matrix], context) => context.apply('MatMul', [x, context.node(matrix)]),
  }),
  dense: defineMethod({
    summary: 'x · weights + bias: the last axis of x times a matrix.',
    parameters: [parameter('weights', operand, 'constant [k, n]'), bias],
    build: (x, [weights, offset], context) => affine(x, context.node(weights), offset, context),
  }),
  linear: defineMethod({
    summary: 'x · weightsᵀ + bias: a dense layer with its weights as PyTorch stores them.',
    parameters: [parameter('weights', operand, 'constant [n, k]'), bias],
    build(x, [weights, offset], context) {
      const matrix = context.node(weights);
      const turned =
        shapeOfNode(matrix).length === 2
          ? context.apply('Transpose', [matrix], { perm: [1, 0] })
          : matrix;
      return affine(x, turned, offset, context);
    },
  }),
};
