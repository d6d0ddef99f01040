/** Which evaluation keys a ckks program uses, each with the primes it needs. */
import { invariant } from '../../errors.ts';
import type { ClientPlan } from '../../layout/client-plan.ts';
import { opContext } from '../build.ts';
import type { OpContext } from '../define-op.ts';
import { lookupOp } from '../ops.ts';
import { operationOf } from '../program.ts';
import type { Operation, Program } from '../program.ts';
import { ciphertextOf } from './values.ts';

/** Data primes of a value that is rotated or relinearised: its level and the base. */
function primesOf(program: Program, operation: Operation): number {
  const operand = operation.operands[0];
  invariant(operand !== undefined, `${operation.op} has an operand`);
  const { level } = ciphertextOf(operationOf(program, operand).type);
  invariant(level !== null, 'budget-levels chose the level');
  return level + 1;
}

/**
 * List exactly the evaluation keys that a ckks program uses, each with the number of data primes at
 * the highest level of use, or of the whole chain where an operation says so. Rotations are in (−slots/2, slots/2], ascending.
 *
 * ASSUME: levels and methods are chosen.
 */
export function rotationKeys(program: Program): ClientPlan['keys'] {
  let relinearised = 0;
  const rotations = new Map<number, number>();
  for (const operation of program.operations) {
    const types = operation.operands.map((operand) => operationOf(program, operand).type);
    const context: OpContext = opContext(program.constants, program.modulus, operation.location);
    const need = lookupOp(operation.op).keys?.(types, operation.attributes, context);
    if (need === undefined) continue;
    const primes = primesOf(program, operation);
    if (need.relinearisation === true) relinearised = Math.max(relinearised, primes);
    const whole = need.whole === true ? program.modulus?.primes.length : undefined;
    for (const step of need.rotations ?? []) {
      rotations.set(step, Math.max(rotations.get(step) ?? 0, whole ?? primes));
    }
  }
  return {
    relinearisation: relinearised === 0 ? null : { primes: relinearised },
    rotations: [...rotations].sort(([a], [b]) => a - b).map(([step, primes]) => ({ step, primes })),
  };
}
