/** What a ckks program reads. */
import { operationOf } from '../program.ts';
import type { Program, ValueId } from '../program.ts';
import type { CiphertextType } from '../types.ts';
import input from './input.ts';
import { ciphertextOf } from './values.ts';

export interface ProgramInput {
  readonly value: ValueId;
  readonly name: string;
  readonly type: CiphertextType;
  /** Declared range of the values. */
  readonly range: readonly [number, number];
}

/** One input operation. */
export function programInput(program: Program, value: ValueId): ProgramInput {
  const operation = operationOf(program, value);
  const { name, range } = input.attributes.parse(operation.attributes);
  return { value, name, type: ciphertextOf(operation.type), range };
}

/** The inputs of a ckks program, in its order. */
export function programInputs(program: Program): ProgramInput[] {
  return program.operations.flatMap(({ op }, value) =>
    op === input.name ? [programInput(program, value)] : [],
  );
}
