/** What QuantizeLinear and DequantizeLinear share: scales and zero points by tensor, axis or block. */
import { z } from 'zod';
import type { Tensor } from '../../ir/tensor.ts';
import { int } from './attribute-schemas.ts';
import { axisOf } from './axes.ts';
import { attribute } from '../define-importer.ts';
import type { ImportContext } from '../define-importer.ts';
import { integerBounds, isInteger } from '../onnx/element-types.ts';
import type { ElementType } from '../onnx/element-types.ts';

/** How real numbers stand for integers: x = (q − zeroPoint) · scale. */
export interface Quantisation {
  readonly elementType: ElementType;
  readonly scale: Tensor;
  /** As many as scales. */
  readonly zeroPoint: Float64Array<ArrayBuffer>;
  /** Which of the scales belongs to each element; null where there is one alone. */
  readonly along: { readonly axis: number; readonly block: number } | null;
}

export const quantisationAttributes = {
  axis: attribute(int.default(1), 'axis of several scales', { since: 13 }),
  block_size: attribute(
    z.int().nonnegative().default(0),
    'elements of an axis that share a scale',
    {
      since: 21,
    },
  ),
} as const;

/**
 * The quantisation that the inputs 1 and 2 of a node describe, for a tensor of this shape.
 *
 * Throws MODEL_INVALID where shapes or types do not fit.
 */
export function quantisationOf(
  shape: readonly number[],
  elementType: ElementType,
  context: Pick<ImportContext<typeof quantisationAttributes>, 'attributes' | 'invalid'> &
    Pick<ImportContext, 'constant' | 'optionalConstant'>,
): Quantisation {
  const { tensor: scale } = context.constant(1);
  const zero = context.optionalConstant(2);
  if (!isInteger(elementType)) context.invalid(`${elementType} is no integer type`);
  if (zero !== null && zero.elementType !== elementType)
    context.invalid(`the zero point is ${zero.elementType}, the integers are ${elementType}`);
  const count = scale.data.length;
  if (zero !== null && zero.tensor.data.length !== count) {
    context.invalid(`there are ${count} scales and ${zero.tensor.data.length} zero points`, {
      scales: count,
      zeroPoints: zero.tensor.data.length,
    });
  }
  const index = scale.data.findIndex((value) => !Number.isFinite(value) || value < 0);
  if (index >= 0) context.invalid(`scale ${index} is ${scale.data[index]!}`, { index });
  const zeroPoint = zero?.tensor.data ?? new Float64Array(count);
  return { elementType, scale, zeroPoint, along: groupsOf(shape, scale, context) };
}

function groupsOf(
  shape: readonly number[],
  scale: Tensor,
  {
    attributes,
    invalid,
  }: Pick<ImportContext<typeof quantisationAttributes>, 'attributes' | 'invalid'>,
): Quantisation['along'] {
  const block = attributes.block_size;
  if (scale.data.length === 1 && block === 0) return null;
  const axis = axisOf(attributes.axis, shape.length, { invalid });
  const extent = shape[axis]!;
  const wanted = block === 0 ? [extent] : shape.with(axis, Math.ceil(extent / block));
  if (scale.shape.join() !== wanted.join()) {
    invalid(
      `the scales are [${scale.shape.join(',')}], a tensor of [${shape.join(',')}] takes [${wanted.join(',')}] along axis ${axis}`,
    );
  }
  return { axis, block };
}

/** Whether one undoes the other. */
export function sameQuantisation(a: Quantisation, b: Quantisation): boolean {
  const same = (x: Float64Array, y: Float64Array): boolean =>
    x.length === y.length && x.every((value, n) => value === y[n]);
  return (
    a.elementType === b.elementType &&
    a.along?.axis === b.along?.axis &&
    a.along?.block === b.along?.block &&
    same(a.scale.data, b.scale.data) &&
    same(a.zeroPoint, b.zeroPoint)
  );
}

/** A function of each element, its scale and its zero point. */
export function mapQuantised(
  { shape, data }: Tensor,
  { scale, zeroPoint, along }: Quantisation,
  convert: (value: number, scale: number, zeroPoint: number) => number,
): Tensor {
  const extent = along === null ? 1 : shape[along.axis]!;
  const inner = along === null ? 1 : shape.slice(along.axis + 1).reduce((a, b) => a * b, 1);
  const blocks = along === null || along.block === 0 ? 0 : Math.ceil(extent / along.block);
  const groupOf = (n: number): number => {
    if (along === null) return 0;
    const position = Math.floor(n / inner) % extent;
    if (along.block === 0) return position;
    const outer = Math.floor(n / (inner * extent));
    return (outer * blocks + Math.floor(position / along.block)) * inner + (n % inner);
  };
  const converted = data.map((value, n) => {
    const group = groupOf(n);
    return convert(value, scale.data[group]!, zeroPoint[group]!);
  });
  return { shape, data: converted };
}

/** Which ends of the range of the integers are the number 0: quantising clips there. */
export function clipsAtZero({ elementType, zeroPoint }: Quantisation): {
  readonly below: boolean | 'partly';
  readonly above: boolean;
} {
  const [lo, hi] = integerBounds(elementType);
  const low = zeroPoint.filter((zero) => zero === lo).length;
  return {
    below: low === zeroPoint.length ? true : low > 0 ? 'partly' : false,
    above: zeroPoint.includes(hi),
  };
}

/** Round to the nearest integer, ties to the even one. */
export function roundHalfEven(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  return rest < 0.5 || (rest === 0.5 && below % 2 === 0) ? below : below + 1;
}
