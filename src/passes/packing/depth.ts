/** Multiplicative depth of nn and packed programs before they are ckks programs. */
import { lookupOp } from '../../ir/ops.ts';
import { usersOf } from '../../ir/program.ts';
import type { Operation, Program } from '../../ir/program.ts';
import { publicOperand } from '../../ir/public-values.ts';
import { treeOfOperation } from './operation-tree.ts';
import { treeDepth } from './polynomial-tree.ts';
import type { PolynomialTree } from './polynomial-tree.ts';

/** Levels that one operation uses. */
export function levelsOf(program: Program, operation: Operation): number {
  if (typeof operation.attributes['coefficients'] === 'string') {
    return treeDepth(treeOfOperation(program, operation));
  }
  return lookupOp(operation.op).levels;
}

/** What may share a rescale: operations that end in a product and that linear maps alone read. */
export function mappedProducts(program: Program): ReadonlySet<Operation> {
  const users = usersOf(program);
  const outputs = new Set(program.outputs.map(({ value }) => value));
  return new Set(
    program.operations.filter((operation, id) => {
      const readers = users[id] ?? [];
      return (
        readers.length > 0 &&
        !outputs.has(id) &&
        readers.every((reader) => program.operations[reader]?.op.endsWith('.linear') === true) &&
        endsInProduct(program, operation)
      );
    }),
  );
}

/**
 * Levels of each operation where products share a rescale with the linear maps behind them: one fewer
 * of those products.
 */
export function sharedLevelsOf(program: Program): (operation: Operation) => number {
  const sharing = mappedProducts(program);
  return (operation) => levelsOf(program, operation) - (sharing.has(operation) ? 1 : 0);
}

function endsInProduct(program: Program, operation: Operation): boolean {
  if (typeof operation.attributes['coefficients'] !== 'string') {
    return operation.op.endsWith('.mul') && publicOperand(program, operation) === null;
  }
  return pendingOf(treeOfOperation(program, operation)) === 'product';
}

/** What waits for a rescale at the root of a tree: a product of ciphertexts, one with a number, or nothing. */
function pendingOf(tree: PolynomialTree): 'product' | 'scaled' | null {
  switch (tree.kind) {
    case 'square':
    case 'product':
      return 'product';
    case 'scaled':
      return 'scaled';
    case 'sum': {
      const [a, b] = [pendingOf(tree.a), pendingOf(tree.b)];
      if (a === null || b === null) return null;
      return a === 'product' ? a : b;
    }
    default:
      return null;
  }
}

/** Levels left after each value, down to the outputs: the level at which it is best held. */
export function levelsBelow(
  program: Program,
  levels = (operation: Operation): number => levelsOf(program, operation),
): number[] {
  const below = new Array<number>(program.operations.length).fill(0);
  for (let id = program.operations.length - 1; id >= 0; id--) {
    const operation = program.operations[id];
    if (operation === undefined) continue;
    const need = (below[id] ?? 0) + levels(operation);
    for (const operand of operation.operands) below[operand] = Math.max(below[operand] ?? 0, need);
  }
  return below;
}

/** The highest level of a ckks program. */
export function highestLevel({ operations }: Program): number {
  return operations.reduce(
    (most, { type }) => Math.max(most, type.kind === 'ciphertext' ? (type.level ?? 0) : 0),
    0,
  );
}

/** Levels from the inputs to the outputs. */
export function depthOf(program: Program, levels?: (operation: Operation) => number): number {
  return Math.max(0, ...levelsBelow(program, levels));
}
