/** Which evaluation keys a ckks program uses, each with the primes it needs. */
import { invariant } from '../../errors.ts';
import type { ClientPlan } from '../../layout/client-plan.ts';
import { centredRotation, foldRotations } from '../packed/diagonals.ts';
import { operationOf } from '../program.ts';
import type { Operation, Program } from '../program.ts';
import linear from './linear.ts';
import { linearGroups, neverRotates } from './linear-groups.ts';
import relinearize from './relinearize.ts';
import { ciphertextOf } from './values.ts';

/** Data primes of a value that is rotated or relinearised: its level and the base. */
function primesOf(program: Program, operation: Operation): number {
  const operand = operation.operands[0];
  invariant(operand !== undefined, `${operation.op} has an operand`);
  const { level } = ciphertextOf(operationOf(program, operand).type);
  invariant(level !== null, 'budget-levels chose the level');
  return level + 1;
}

/** Rotations to the left of one linear operation: baby steps, giant steps and folds. */
export function rotationSteps(program: Program, operation: Operation): Set<number> {
  const { layout } = ciphertextOf(operation.type);
  const fold = linear.attributes.parse(operation.attributes).method?.fold ?? null;
  const steps = new Set<number>();
  const inputs = operation.operands.map(
    (operand) => ciphertextOf(operationOf(program, operand).type).layout,
  );
  if (!neverRotates(inputs, layout)) {
    const groups = linearGroups(program, operation);
    for (const step of groups.baby) steps.add(step);
    for (const step of groups.giant) steps.add(step);
  }
  for (const step of foldRotations(fold)) steps.add(centredRotation(step, layout.slots));
  steps.delete(0);
  return steps;
}

/**
 * List exactly the evaluation keys that a ckks program uses, each with the number of data primes at
 * the highest level of use. Rotations are in (−slots/2, slots/2], ascending.
 *
 * ASSUME: levels and methods are chosen.
 */
export function rotationKeys(program: Program): ClientPlan['keys'] {
  let relinearised = 0;
  const rotations = new Map<number, number>();
  for (const operation of program.operations) {
    if (operation.op === relinearize.name) {
      relinearised = Math.max(relinearised, primesOf(program, operation));
    }
    if (operation.op === linear.name) {
      const primes = primesOf(program, operation);
      for (const step of rotationSteps(program, operation)) {
        rotations.set(step, Math.max(rotations.get(step) ?? 0, primes));
      }
    }
  }
  return {
    relinearisation: relinearised === 0 ? null : { primes: relinearised },
    rotations: [...rotations].sort(([a], [b]) => a - b).map(([step, primes]) => ({ step, primes })),
  };
}
