/** A ckks program made ready to run many times: steps, diagonals and the number of units of work. */
import { invariant } from '../../errors.ts';
import linear from '../../ir/ckks/linear.ts';
import { rotationKeys } from '../../ir/ckks/rotation-keys.ts';
import { ciphertextOf } from '../../ir/ckks/values.ts';
import { operationOf } from '../../ir/program.ts';
import type { Program, ValueId } from '../../ir/program.ts';
import type { ClientPlan } from '../../layout/client-plan.ts';
import { toNumber } from '../../ir/rational.ts';
import { executionSteps } from './execution-steps.ts';
import type { ExecutionStep } from './execution-steps.ts';
import { linearWork } from './linear-work.ts';
import type { LinearWork } from './linear-work.ts';
import type { ValueForm } from './engine.ts';

export interface PreparedProgram {
  readonly program: Program;
  readonly slots: number;
  readonly steps: readonly ExecutionStep[];
  readonly linear: ReadonlyMap<ValueId, LinearWork>;
  /** Per value, what each of its ciphertexts must be; the scale is the double that is stamped. */
  readonly forms: readonly ValueForm[];
  /** The evaluation keys that the program uses. */
  readonly keys: ClientPlan['keys'];
  /** Units of one execution: diagonals, rotations and operations on single ciphertexts. */
  readonly work: number;
}

/**
 * Prepare a program whose levels, scales and methods are chosen.
 *
 * Cost: the products of its linear maps, 12 bytes for each run of them, stay in memory.
 */
export function prepareProgram(program: Program): PreparedProgram {
  invariant(program.modulus !== null, 'choose-parameters chose the modulus');
  const steps = executionSteps(program);
  const works = new Map<ValueId, LinearWork>();
  const forms = program.operations.map((operation): ValueForm => {
    const type = ciphertextOf(operation.type);
    invariant(type.level !== null && type.scale !== null, 'levels and scales are chosen');
    return { level: type.level, scale: toNumber(type.scale), size: type.size };
  });
  let work = 0;
  program.operations.forEach((operation, id) => {
    const { ciphertexts } = ciphertextOf(operation.type).layout;
    if (operation.op === linear.name) {
      const prepared = linearWork(program, operation);
      works.set(id, prepared);
      work += prepared.groups.count + prepared.rotations;
    } else {
      work += ciphertexts;
    }
  });
  return {
    program,
    slots: ciphertextOf(operationOf(program, 0).type).layout.slots,
    steps,
    linear: works,
    forms,
    keys: rotationKeys(program),
    work,
  };
}
