/** Declaration of a method of values: what it is called with, and the operators it becomes. */
import { z } from 'zod';
import type { Attributes } from '../../ir/program.ts';
import type { ImportContext, Importer, NodeValue } from '../define-importer.ts';

/** Attributes of an ONNX operator, as numbers and words. */
export type OperatorAttributes = Readonly<Record<string, number | string | readonly number[]>>;

/** The program that a method adds to. */
export interface MethodContext {
  /** A number, an array, a tensor or a value as a value of this program. */
  node(operand: unknown): NodeValue;
  /** A list of whole numbers, as operators take shapes and axes. */
  integers(values: readonly number[]): NodeValue;
  /** Apply an ONNX operator, or one of the language's own; constants are computed at once. */
  apply(
    operator: string | Importer,
    inputs: readonly (NodeValue | undefined)[],
    attributes?: OperatorAttributes,
  ): NodeValue;
  /** The call makes no sense: say why, and what to write. Throws PROGRAM_INVALID. */
  invalid(reason: string, hint?: string): never;
}

export interface Parameter<T> {
  readonly name: string;
  readonly schema: z.ZodType<T>;
  readonly doc: string;
}

type Arguments<P extends readonly Parameter<unknown>[]> = {
  readonly [K in keyof P]: P[K] extends Parameter<infer T> ? T : never;
};

export interface Method<P extends readonly Parameter<unknown>[] = readonly Parameter<unknown>[]> {
  readonly summary: string;
  readonly parameters: P;
  build(x: NodeValue, args: Arguments<P>, context: MethodContext): NodeValue;
}

/** Declare a parameter; its schema says whether it may be left out. */
export function parameter<T>(name: string, schema: z.ZodType<T>, doc: string): Parameter<T> {
  return { name, schema, doc };
}

export function isOptional({ schema }: Parameter<unknown>): boolean {
  return schema.safeParse(undefined).success;
}

/** Declare a method. */
export function defineMethod<const P extends readonly Parameter<unknown>[]>(
  method: Method<P>,
): Method {
  // Arguments are parsed by these very schemas before `build` runs, so forgetting them is safe.
  return method;
}

/** An operator that ONNX lacks: one operation of the nn dialect on one value. */
export function nnOperator(
  op: string,
  attributes: (context: Pick<ImportContext, 'name' | 'reference'>) => Attributes,
): Importer {
  return {
    operator: op,
    summary: 'one operation',
    inputs: [{ name: 'x', doc: 'any tensor', form: 'data' }],
    attributes: {},
    lowersTo: op,
    import: (context) => context.add(op, [context.data(0)], attributes(context)),
  };
}

/** What `context.node` takes: checked there, where the program is known. */
export const operand = z.unknown().refine((value) => value !== undefined, 'is missing');
export const axis = z.int();
export const count = z.int().min(1);

/** Shape of a value of the program. */
export function shapeOfNode(node: NodeValue): readonly number[] {
  return node.kind === 'data' ? node.shape : node.tensor.shape;
}
