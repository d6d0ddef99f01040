/** The evaluation tree of a polynomial operation of a program. */
import { constantAttribute } from '../../ir/attribute-values.ts';
import { operationOf } from '../../ir/program.ts';
import type { Operation, Program } from '../../ir/program.ts';
import { magnitude } from '../../ir/types.ts';
import { polynomialTree } from './polynomial-tree.ts';
import type { PolynomialTree } from './polynomial-tree.ts';

/** The tree of nn.polynomial and packed.polynomial, by what is known of the argument. */
export function treeOfOperation(program: Program, operation: Operation): PolynomialTree {
  const [x = -1] = operation.operands;
  return polynomialTree(
    constantAttribute(program, operation, 'coefficients'),
    magnitude(operationOf(program, x).type.range),
  );
}
