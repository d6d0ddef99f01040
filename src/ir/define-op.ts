/** Declaration of an operator: everything shared code asks about it stands here, never in a switch. */
import type { z } from 'zod';
import type { LinearMap } from './linear-map.ts';
import type { Attributes, Modulus } from './program.ts';
import type { Tensor } from './tensor.ts';
import type { Type } from './types.ts';

/** A value of the clear interpreter: a tensor (nn) or one slot vector per ciphertext. */
export type Value =
  | { readonly kind: 'tensor'; readonly tensor: Tensor }
  | { readonly kind: 'vectors'; readonly vectors: readonly Float64Array<ArrayBuffer>[] };

/** What rules and semantics may ask of the program around an operation. */
export interface OpContext {
  constant(reference: string): Tensor;
  readonly modulus: Modulus | null;
  /** Node name for error messages. */
  readonly location: string | null;
  /** A value that the server knows, in the clear; only while a program is interpreted. */
  publicValue?(name: string): Tensor;
}

export interface OperandSpec {
  readonly name: string;
  readonly doc: string;
}

/** Evaluation keys that an operation uses, at the level of its first operand. */
export interface KeyNeed {
  readonly relinearisation?: boolean;
  /** Rotations to the left, in (−slots/2, slots/2]. */
  readonly rotations?: ReadonlySet<number>;
  /** The rotation keys have the primes of the whole chain, not only those of the operand's level. */
  readonly whole?: boolean;
}

/** What an operation costs on ciphertexts, summed over the ciphertexts of its value. */
export interface OpCost {
  readonly rotations: number;
  readonly relinearisations: number;
  readonly plainMultiplications: number;
  readonly ciphertextMultiplications: number;
  readonly rescales: number;
}

export interface OpDefinition<A extends object = Record<string, unknown>> {
  /** Dialect and name, as in `nn.conv`. */
  readonly name: string;
  /** Stable number for plans and tests; never reused. */
  readonly code: number;
  readonly summary: string;
  readonly operands: readonly OperandSpec[];
  /** The last operand may be repeated. */
  readonly variadic?: boolean;
  readonly attributes: z.ZodType<A>;
  /** Levels the operation uses up (rescales on its path). */
  readonly levels: number;
  /** Type of the result without its range. Throws SHAPE_MISMATCH or IR_INVALID. */
  infer(operands: readonly Type[], attributes: A, context: OpContext): Type;
  /** Interval bounds of the elements of the result, from those of the operands. */
  range(operands: readonly Type[], attributes: A, context: OpContext): readonly [number, number];
  /** Clear semantics. */
  evaluate(
    operands: readonly Value[],
    types: readonly Type[],
    attributes: A,
    context: OpContext,
  ): Value;
  /** Cost on ciphertexts; absent where the operation is free or not yet lowered. */
  cost?(operands: readonly Type[], attributes: A, context: OpContext): Partial<OpCost>;
  /** Evaluation keys; absent where none is needed. */
  keys?(operands: readonly Type[], attributes: A, context: OpContext): KeyNeed;
  /**
   * The operation as an affine map: one sparse matrix per operand, and what is added to the sum.
   *
   * Present on linear operators only; fuse-linear composes what it returns.
   */
  affine?(operands: readonly Type[], attributes: A, context: OpContext): AffineMap;
}

/** y = Σ_k maps[k] · x_k + bias, over flattened tensors. */
export interface AffineMap {
  readonly maps: readonly LinearMap[];
  /** One value per element of the result, or null for zero. */
  readonly bias: Float64Array<ArrayBuffer> | null;
}

/** Declare an operator. */
export function defineOp<A extends object>(definition: OpDefinition<A>): OpDefinition<A> {
  return definition;
}

/** An operator of any attribute type, as the table holds it. */
export interface AnyOp extends Omit<
  OpDefinition<never>,
  'infer' | 'range' | 'evaluate' | 'cost' | 'keys' | 'affine'
> {
  infer(operands: readonly Type[], attributes: Attributes, context: OpContext): Type;
  range(
    operands: readonly Type[],
    attributes: Attributes,
    context: OpContext,
  ): readonly [number, number];
  evaluate(
    operands: readonly Value[],
    types: readonly Type[],
    attributes: Attributes,
    context: OpContext,
  ): Value;
  cost?(operands: readonly Type[], attributes: Attributes, context: OpContext): Partial<OpCost>;
  keys?(operands: readonly Type[], attributes: Attributes, context: OpContext): KeyNeed;
  affine?(operands: readonly Type[], attributes: Attributes, context: OpContext): AffineMap;
}

/** Enter a declaration into a table: from here on its attributes are only known by its schema. */
export function tableEntry<A extends object>(definition: OpDefinition<A>): AnyOp {
  // The schema is checked before any rule runs (src/ir/verify.ts and the builder), so the cast holds.
  return definition as unknown as AnyOp;
}
