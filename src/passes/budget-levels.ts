/** Give every value its level: the lowest that its users allow. */
import { rewriteProgram } from '../ir/build.ts';
import { operationOf } from '../ir/program.ts';
import type { Operation, Program, ValueId } from '../ir/program.ts';
import { definePass } from './define-pass.ts';

export default definePass({
  name: 'budget-levels',
  summary:
    'Choose the level of every value, the lowest its users allow, and drop levels where users differ.',
  phase: 'ckks',
  run(program, { outputLevel = 0 }) {
    const levels = levelsNeeded(program, outputLevel);
    return rewriteProgram(program, (operation, id, { builder, mapped, keep }) => {
      if (operation.op === 'ckks.level-drop') return mapped(operation.operands[0] ?? -1);
      if (operation.op === 'ckks.input') {
        const attributes = { ...operation.attributes, level: levels[id] ?? 0 };
        return builder.add(operation.op, [], attributes, { location: operation.location });
      }
      const wanted = operandLevel(operation, levels[id] ?? 0);
      const operands = operation.operands.map((operand) => {
        const value = mapped(operand);
        if ((levels[undropped(program, operand)] ?? 0) === wanted) return value;
        return builder.add(
          'ckks.level-drop',
          [value],
          { level: wanted },
          { location: operation.location },
        );
      });
      if (operands.every((operand, k) => operand === mapped(operation.operands[k] ?? -1)))
        return keep();
      return builder.add(operation.op, operands, operation.attributes, {
        location: operation.location,
        range: operation.type.range,
      });
    });
  },
});

/** The value above the level drops of an earlier budget, which this one replaces. */
function undropped(program: Program, value: ValueId): ValueId {
  const { op, operands } = operationOf(program, value);
  return op === 'ckks.level-drop' ? undropped(program, operands[0] ?? -1) : value;
}

function operandLevel(operation: Operation, level: number): number {
  return operation.op === 'ckks.rescale' ? level + 1 : level;
}

/** Level of each value: what its most demanding user needs. */
function levelsNeeded(program: Program, outputLevel: number): number[] {
  const levels = new Array<number>(program.operations.length).fill(0);
  for (const { value } of program.outputs) levels[value] = outputLevel;
  for (let id = program.operations.length - 1; id >= 0; id--) {
    const operation = program.operations[id];
    if (operation === undefined) continue;
    const wanted = operandLevel(operation, levels[id] ?? 0);
    for (const operand of operation.operands)
      levels[operand] = Math.max(levels[operand] ?? 0, wanted);
  }
  return levels;
}
