/** Reading and making tensor values and types in operator rules. */
import { CipherloomError, invariant } from '../../errors.ts';
import type { OpContext, Value } from '../define-op.ts';
import type { Tensor } from '../tensor.ts';
import type { TensorType, Type } from '../types.ts';

export function tensorOf(value: Value | undefined): Tensor {
  invariant(value?.kind === 'tensor', 'nn operators work on tensors');
  return value.tensor;
}

export function tensorValue(shape: readonly number[], data: Float64Array<ArrayBuffer>): Value {
  return { kind: 'tensor', tensor: { shape, data } };
}

/** The tensor type of an operand. */
export function tensorTypeOf(type: Type | undefined): TensorType {
  invariant(type?.kind === 'tensor', 'nn operators work on tensors');
  return type;
}

export function tensorType(shape: readonly number[]): TensorType {
  return { kind: 'tensor', shape: [...shape], range: null };
}

/** Bounds of an operand; unknown ones are infinite. */
export function boundsOf(type: Type | undefined): readonly [number, number] {
  return type?.range == null ? [-Infinity, Infinity] : [type.range.lo, type.range.hi];
}

/** Refuse operands whose shapes do not fit. Throws SHAPE_MISMATCH. */
export function shapeError(context: OpContext, message: string, details: Record<string, unknown> = {}): never {
  throw new CipherloomError('SHAPE_MISMATCH', message, {
    phase: 'nn',
    node: context.location ?? undefined,
    details,
  });
}
