/**
 * The order in which an executor works: operations in program order, but what follows an operation
 * ciphertext by ciphertext is done at once with each ciphertext it makes.
 *
 * linear → rescale → add-constant → square → relinearize → rescale on 845 ciphertexts so holds one
 * product of three polynomials at a time instead of 845.
 */
import { invariant } from '../../errors.ts';
import { lookupOp } from '../../ir/ops.ts';
import { usersOf } from '../../ir/program.ts';
import type { Operation, Program, ValueId } from '../../ir/program.ts';

export interface ExecutionStep {
  /** The operation that makes ciphertexts from whole values. */
  readonly head: ValueId;
  /** Operations that each ciphertext then passes, in order. */
  readonly pipeline: readonly ValueId[];
  /** The value that the step leaves: the last of the pipeline, or the head. */
  readonly result: ValueId;
  /** Operands of the head that no later step reads. */
  readonly lastUses: readonly ValueId[];
  /** Nobody reads the result (an input that the model ignores): the step is left out. */
  readonly unused: boolean;
}

/** Whether an operation works on each ciphertext of its only operand alone. */
function isElementwise(operation: Operation): boolean {
  const { operands, variadic } = lookupOp(operation.op);
  return operands.length === 1 && variadic !== true;
}

/** Group the operations of a ckks program into steps. */
export function executionSteps(program: Program): ExecutionStep[] {
  const users = usersOf(program);
  const outputs = new Set(program.outputs.map(({ value }) => value));
  const done = new Set<ValueId>();
  const steps: Omit<ExecutionStep, 'lastUses' | 'unused'>[] = [];
  program.operations.forEach((_, head) => {
    if (done.has(head)) return;
    const pipeline: ValueId[] = [];
    let result = head;
    while (!outputs.has(result) && users[result]?.length === 1) {
      const [user] = users[result] ?? [];
      const next = user === undefined ? undefined : program.operations[user];
      if (user === undefined || next === undefined || !isElementwise(next)) break;
      pipeline.push(user);
      done.add(user);
      result = user;
    }
    steps.push({ head, pipeline, result });
  });

  const lastReader = new Map<ValueId, number>();
  steps.forEach(({ head }, n) => {
    const operation = program.operations[head];
    invariant(operation !== undefined, 'a step has a head');
    for (const operand of operation.operands) lastReader.set(operand, n);
  });
  return steps.map((step, n) => ({
    ...step,
    lastUses: [...new Set(program.operations[step.head]?.operands ?? [])].filter(
      (operand) => lastReader.get(operand) === n && !outputs.has(operand),
    ),
    unused: !outputs.has(step.result) && (users[step.result]?.length ?? 0) === 0,
  }));
}

/** Per operation, the last operation that reads it; its own number where none does. */
export function lastUses(program: Program): number[] {
  const last = program.operations.map((_, id) => id);
  program.operations.forEach((operation, id) => {
    for (const operand of operation.operands) last[operand] = id;
  });
  for (const { value } of program.outputs) last[value] = program.operations.length;
  return last;
}
