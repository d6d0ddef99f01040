/** Programs: one type for all dialects. Plain data; passes return new programs. */
import { InternalError, invariant } from '../errors.ts';
import type { PostprocessStep } from '../layout/client-plan.ts';
import type { Tensor } from './tensor.ts';
import type { Type } from './types.ts';

/** JSON values; a string that begins with `@` names a constant of the program. */
export type Attribute =
  null | boolean | number | string | readonly Attribute[] | { readonly [key: string]: Attribute };

export type Attributes = Readonly<Record<string, Attribute>>;

/** Number of the operation that makes the value: its index in the program. */
export type ValueId = number;

export interface Operation {
  /** Dialect and name, as in `nn.conv`. */
  readonly op: string;
  readonly operands: readonly ValueId[];
  readonly attributes: Attributes;
  readonly type: Type;
  /** Name of the ONNX node (or line of the DSL) that this comes from. */
  readonly location: string | null;
}

export interface ProgramOutput {
  readonly name: string;
  readonly value: ValueId;
  /** What the client does after decryption. */
  readonly postprocess: readonly PostprocessStep[];
}

/** Modulus chain of a ckks program. */
export interface Modulus {
  readonly ringDegree: number;
  /** Data primes q_0 … q_L; level l uses q_0 … q_l. */
  readonly primes: readonly bigint[];
  readonly specialPrimes: readonly bigint[];
}

export interface Program {
  readonly name: string;
  /** In execution order: operands come before their users. */
  readonly operations: readonly Operation[];
  readonly outputs: readonly ProgramOutput[];
  readonly constants: ReadonlyMap<string, Tensor>;
  /** Null until choose-parameters. */
  readonly modulus: Modulus | null;
  /**
   * What the server computes in the clear from public inputs alone, in dialect nn: its outputs are
   * the public values that this program reads by name. Absent without public inputs, and until
   * split-public.
   */
  readonly publicPart?: Program;
}

/** The operation that makes a value. */
export function operationOf(program: Program, value: ValueId): Operation {
  const operation = program.operations[value];
  invariant(operation !== undefined, `value %${value} does not exist`);
  return operation;
}

/** A constant by reference (`@name`). */
export function constantOf(constants: ReadonlyMap<string, Tensor>, reference: string): Tensor {
  const tensor = constants.get(reference.slice(1));
  if (tensor === undefined) throw new InternalError(`constant ${reference} does not exist`);
  return tensor;
}

/** Users of each value, in program order. */
export function usersOf(program: Program): ValueId[][] {
  const users: ValueId[][] = program.operations.map(() => []);
  program.operations.forEach((operation, id) => {
    for (const operand of new Set(operation.operands)) users[operand]?.push(id);
  });
  return users;
}

/** Every constant reference inside an attribute value. */
export function constantReferences(attribute: Attribute): string[] {
  if (typeof attribute === 'string') return attribute.startsWith('@') ? [attribute] : [];
  if (attribute === null || typeof attribute !== 'object') return [];
  return Object.values(attribute).flatMap((part: Attribute) => constantReferences(part));
}
