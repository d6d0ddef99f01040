/** The matrices and ranges of a linear operation. */
import { opContext } from '../../ir/build.ts';
import type { LinearMap } from '../../ir/linear-map.ts';
import { affineOf, affineSchema } from '../../ir/nn/linear.ts';
import { operationOf } from '../../ir/program.ts';
import type { Operation, Program } from '../../ir/program.ts';
import type { Range } from '../../ir/types.ts';

export function mapsOf(program: Program, operation: Operation): readonly LinearMap[] {
  const types = operation.operands.map((operand) => operationOf(program, operand).type);
  const context = opContext(program.constants, program.modulus, operation.location);
  return affineOf(types, affineSchema.parse(operation.attributes), context).maps;
}

export function rangesOf(program: Program, { operands }: Operation): (Range | null)[] {
  return operands.map((operand) => operationOf(program, operand).type.range);
}
