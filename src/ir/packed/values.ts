/** Reading and making slot-vector values in operator rules. */
import { CipherloomError, invariant } from '../../errors.ts';
import { placementOf } from '../../layout/layout.ts';
import type { Layout, UnusedSlots } from '../../layout/layout.ts';
import type { OpContext, Value } from '../define-op.ts';
import { broadcastStrides, broadcastTo } from '../tensor.ts';
import type { Tensor } from '../tensor.ts';
import type { CiphertextType, Type, VectorType } from '../types.ts';

export type Vectors = readonly Float64Array<ArrayBuffer>[];

export function vectorsOf(value: Value | undefined): Vectors {
  invariant(value?.kind === 'vectors', 'packed operators work on slot vectors');
  return value.vectors;
}

export function vectorsValue(vectors: Vectors): Value {
  return { kind: 'vectors', vectors };
}

/** The type of an operand laid out in slots. */
export function slottedType(type: Type | undefined): VectorType | CiphertextType {
  invariant(
    type?.kind === 'vector' || type?.kind === 'ciphertext',
    'packed operators work on slot vectors',
  );
  return type;
}

/** Elementwise function of the slots of one or two values. */
export function mapSlots(x: Vectors, compute: (value: number) => number): Vectors {
  return x.map((vector) => vector.map(compute));
}

export function zipSlots(
  x: Vectors,
  y: Vectors,
  compute: (a: number, b: number) => number,
): Vectors {
  return x.map((vector, k) => {
    const other = y[k];
    invariant(other !== undefined, 'both values have as many ciphertexts');
    return vector.map((a, slot) => compute(a, other[slot] ?? 0));
  });
}

/** A constant per element (broadcast to the shape) laid out in slots; unused slots hold `elsewhere`. */
export function spread(layout: Layout, value: Tensor, elsewhere = 0): Vectors {
  const elements = broadcastTo(value, layout.shape).data;
  const placement = placementOf(layout);
  const { slots } = layout;
  const vectors = Array.from({ length: layout.ciphertexts }, () =>
    new Float64Array(slots).fill(elsewhere),
  );
  for (const offset of placement.batchOffsets) {
    for (let k = 0; k < placement.places.length; k++) {
      const place = (placement.places[k] ?? 0) + offset;
      const vector = vectors[Math.floor(place / slots)];
      if (vector !== undefined) vector[place % slots] = elements[placement.elements[k] ?? 0] ?? 0;
    }
  }
  return vectors;
}

/** Refuse a constant that does not broadcast to the elements of a layout. Throws SHAPE_MISMATCH. */
export function requireSpread(layout: Layout, { shape }: Tensor, context: OpContext): void {
  if (broadcastStrides(shape, layout.shape) !== null) return;
  throw new CipherloomError(
    'SHAPE_MISMATCH',
    `a constant of shape [${shape.join(',')}] does not broadcast to [${layout.shape.join(',')}]`,
    {
      phase: 'ir',
      node: context.location ?? undefined,
      details: { constant: shape, value: layout.shape },
    },
  );
}

/** Bound of the unused slots. */
export function unusedBound(layout: Layout): number {
  return layout.unused.kind === 'zero' ? 0 : layout.unused.bound;
}

/** The state of unused slots with a bound. */
export function unusedOf(bound: number): UnusedSlots {
  return bound === 0 ? { kind: 'zero' } : { kind: 'unknown', bound };
}

/** Rotate every vector to the left by `step` slots. */
export function rotateVector(
  vector: Float64Array<ArrayBuffer>,
  step: number,
): Float64Array<ArrayBuffer> {
  const slots = vector.length;
  const by = ((step % slots) + slots) % slots;
  const rotated = new Float64Array(slots);
  rotated.set(vector.subarray(by));
  rotated.set(vector.subarray(0, by), slots - by);
  return rotated;
}
