/** Reading and making tensor values and types in operator rules. */
import { CipherloomError, invariant } from '../../errors.ts';
import { elementCount } from '../../layout/layout.ts';
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
  const range = type?.range ?? null;
  return range === null ? [-Infinity, Infinity] : [range.lo, range.hi];
}

/** Largest number of elements of a value: 2^28 doubles are 2 GiB. */
export const maxElements = 2 ** 28;

/**
 * The type of a result of this shape.
 *
 * Throws SHAPE_MISMATCH for an empty result and RESOURCE_LIMIT for one of more than 2^28 elements.
 */
export function resultType(shape: readonly number[], context: OpContext): TensorType {
  if (!shape.every((extent) => Number.isInteger(extent) && extent >= 1)) {
    shapeError(context, `the result would have the shape [${shape.join(',')}]`, { shape });
  }
  const elements = elementCount(shape);
  if (elements > maxElements) {
    throw new CipherloomError(
      'RESOURCE_LIMIT',
      `the result of shape [${shape.join(',')}] has ${elements} elements, the limit is ${maxElements}`,
      {
        phase: 'nn',
        node: context.location ?? undefined,
        details: { elements, limit: maxElements },
      },
    );
  }
  return tensorType(shape);
}

/** Refuse operands whose shapes do not fit. Throws SHAPE_MISMATCH. */
export function shapeError(
  context: OpContext,
  message: string,
  details: Record<string, unknown> = {},
): never {
  throw new CipherloomError('SHAPE_MISMATCH', message, {
    phase: 'nn',
    node: context.location ?? undefined,
    details,
  });
}
