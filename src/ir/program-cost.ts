/** What a ckks program costs, counted in operations on ciphertexts. */
import { opContext } from './build.ts';
import type { OpCost } from './define-op.ts';
import { lookupOp } from './ops.ts';
import { operationOf } from './program.ts';
import type { Program } from './program.ts';

/** Sum the declared costs of all operations. Cost: gathering the products of every linear map. */
export function programCost(program: Program): OpCost {
  const total = {
    rotations: 0,
    relinearisations: 0,
    plainMultiplications: 0,
    ciphertextMultiplications: 0,
    rescales: 0,
  };
  for (const operation of program.operations) {
    const types = operation.operands.map((operand) => operationOf(program, operand).type);
    const context = opContext(program.constants, program.modulus, operation.location);
    const cost = lookupOp(operation.op).cost?.(types, operation.attributes, context) ?? {};
    for (const name of Object.keys(total) as (keyof OpCost)[]) total[name] += cost[name] ?? 0;
  }
  return total;
}
