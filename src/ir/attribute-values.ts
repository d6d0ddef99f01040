/** Attributes of checked operations, of the kind their schema gives them. */
import { invariant } from '../errors.ts';
import { constantOf } from './program.ts';
import type { Operation, Program } from './program.ts';
import type { Tensor } from '../ir/tensor.ts';

/** A name, or a reference to a constant. */
export function textOf({ op, attributes }: Operation, name: string): string {
  const value = attributes[name];
  invariant(typeof value === 'string', `${op} has a text attribute ${name}`);
  return value;
}

export function numberOf({ op, attributes }: Operation, name: string): number {
  const value = attributes[name];
  invariant(typeof value === 'number', `${op} has a number attribute ${name}`);
  return value;
}

export function numbersOf({ op, attributes }: Operation, name: string): readonly number[] {
  const value = attributes[name];
  invariant(Array.isArray(value), `${op} has a list attribute ${name}`);
  return value.map(Number);
}

/** The constant that an attribute names. */
export function constantAttribute(program: Program, operation: Operation, name: string): Tensor {
  return constantOf(program.constants, textOf(operation, name));
}
