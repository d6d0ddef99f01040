/** Whether a module may take many images at once, though the program is that of one. */
import { constantAttribute, numberOf, numbersOf } from '../../ir/attribute-values.ts';
import { operationOf } from '../../ir/program.ts';
import type { Operation, Program } from '../../ir/program.ts';
import { shapeOf } from '../../ir/types.ts';

/** Constants that are broadcast with the operand, by operator. */
const constants: Readonly<Record<string, string>> = {
  'nn.add-constant': 'value',
  'nn.scale': 'factor',
  'nn.polynomial': 'coefficients',
};

/**
 * Whether axis 0 has extent 1 in every value and no operation mixes it with another: it may then
 * have any extent.
 */
export function keepsBatchAxis(program: Program): boolean {
  return program.operations.every((operation) => keeps(program, operation));
}

function keeps(program: Program, operation: Operation): boolean {
  const shape = shapeOf(operation.type);
  if (shape[0] !== 1) return false;
  const constant = constants[operation.op];
  if (constant !== undefined) {
    const { shape: whole } = constantAttribute(program, operation, constant);
    const own = operation.op === 'nn.polynomial' ? whole.slice(1) : whole;
    return own.length < shape.length || (own.length === shape.length && own[0] === 1);
  }
  switch (operation.op) {
    case 'nn.add':
    case 'nn.sub':
    case 'nn.mul':
      return operation.operands.every(
        (operand) => shapeOf(operationOf(program, operand).type).length === shape.length,
      );
    case 'nn.dense':
      return shape.length > 1;
    case 'nn.concat':
      return numberOf(operation, 'axis') !== 0;
    case 'nn.transpose':
      return numbersOf(operation, 'permutation')[0] === 0;
    case 'nn.reduce-mean':
      return !numbersOf(operation, 'axes').includes(0);
    default:
      // A pad that adds an image has an extent above 1; so has a concatenation.
      return true;
  }
}
