/** Multiplicative depth of nn and packed programs before they are ckks programs. */
import { lookupOp } from '../../ir/ops.ts';
import type { Operation, Program } from '../../ir/program.ts';
import { treeOfOperation } from './operation-tree.ts';
import { treeDepth } from './polynomial-tree.ts';

/** Levels that one operation uses. */
export function levelsOf(program: Program, operation: Operation): number {
  if (typeof operation.attributes['coefficients'] === 'string') {
    return treeDepth(treeOfOperation(program, operation));
  }
  return lookupOp(operation.op).levels;
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
