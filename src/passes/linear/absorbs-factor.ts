/** Where a factor or an offset of each element costs nothing, because a matrix takes it. */
import { operationOf, usersOf } from '../../ir/program.ts';
import type { Operation, Program, ValueId } from '../../ir/program.ts';
import { sameShape, shapeOf } from '../../ir/types.ts';
import { isAffine } from './affine-form.ts';

/** Operators that cost no level themselves, so that they pass a factor on but cannot take it. */
const levelFree = new Set(['nn.add-constant', 'nn.identity']);

export interface AbsorbsFactor {
  /** Whether the operation that makes a value becomes a matrix that can scale its rows. */
  readonly madeByMatrix: (value: ValueId) => boolean;
  /** Whether every reader of a value becomes a matrix that can scale its columns. */
  readonly readByMatrices: (value: ValueId) => boolean;
  /** Operations and outputs that read a value. */
  readonly readers: (value: ValueId) => number;
}

/** Questions about the matrices that fuse-linear will make of a program. */
export function absorbsFactor(program: Program): AbsorbsFactor {
  const users = usersOf(program);
  const outputs = new Set(program.outputs.map(({ value }) => value));
  const readers = (value: ValueId): number =>
    (users[value]?.length ?? 0) + program.outputs.filter((output) => output.value === value).length;

  const isPair = ({ op }: Operation): boolean => op === 'nn.add' || op === 'nn.sub';

  const madeByMatrix = (value: ValueId): boolean => {
    const operation = operationOf(program, value);
    if (!isAffine(program, operation)) return false;
    if (isPair(operation)) return pairBecomesMatrix(operation);
    if (!levelFree.has(operation.op)) return true;
    const [operand] = operation.operands;
    return operand !== undefined && readers(operand) === 1 && madeByMatrix(operand);
  };

  /** A sum becomes a matrix where one of its operands is one that nothing else reads. */
  const pairBecomesMatrix = (operation: Operation): boolean =>
    operation.operands.some(
      (operand) =>
        readers(operand) === 1 &&
        madeByMatrix(operand) &&
        !isElementwise(operationOf(program, operand), program),
    );

  const readByMatrices = (value: ValueId): boolean => {
    const own = users[value] ?? [];
    return (
      own.length > 0 &&
      !outputs.has(value) &&
      own.every((user) => {
        const operation = operationOf(program, user);
        if (!isAffine(program, operation)) return false;
        if (isPair(operation)) return pairBecomesMatrix(operation);
        return levelFree.has(operation.op) ? readByMatrices(user) : true;
      })
    );
  };

  return { madeByMatrix, readByMatrices, readers };
}

/** Operators that stay a factor and an offset of each element unless a neighbour is more. */
function isElementwise(operation: Operation, program: Program): boolean {
  const scales = ['nn.batch-norm', 'nn.polynomial', 'nn.scale'];
  if (!scales.includes(operation.op)) return false;
  const [operand] = operation.operands;
  return (
    operand !== undefined &&
    sameShape(shapeOf(operationOf(program, operand).type), shapeOf(operation.type))
  );
}
