/** Axes of ONNX attributes: negative ones count from the end. */
import type { ConstantValue, ImportContext } from '../define-importer.ts';

/** An axis from −rank … rank − 1, counted from the front. Throws MODEL_INVALID. */
export function axisOf(
  axis: number,
  rank: number,
  context: Pick<ImportContext, 'invalid'>,
): number {
  if (!Number.isInteger(axis) || axis < -rank || axis >= rank) {
    return context.invalid(`axis ${axis} is not an axis of a tensor of rank ${rank}`, {
      axis,
      rank,
    });
  }
  return axis < 0 ? axis + rank : axis;
}

/** Several different axes, counted from the front. Throws MODEL_INVALID. */
export function axesOf(
  axes: readonly number[],
  rank: number,
  context: Pick<ImportContext, 'invalid'>,
): number[] {
  const normal = axes.map((axis) => axisOf(axis, rank, context));
  if (new Set(normal).size !== normal.length)
    context.invalid(`an axis occurs twice in [${axes.join(',')}]`);
  return normal;
}

/** Integers of a constant input. Throws MODEL_INVALID for other element types. */
export function integersOf(
  value: ConstantValue,
  context: Pick<ImportContext, 'invalid'>,
): number[] {
  if (value.elementType !== 'int64' && value.elementType !== 'int32') {
    context.invalid(`a list of integers is given as ${value.elementType}`);
  }
  return [...value.tensor.data];
}

/** Extents of a constant input. Throws MODEL_INVALID for negative ones. */
export function extentsOf(value: ConstantValue, context: Pick<ImportContext, 'invalid'>): number[] {
  const extents = integersOf(value, context);
  if (extents.some((extent) => extent < 0)) {
    context.invalid(`the extents [${extents.join(',')}] are not all positive`, { extents });
  }
  return extents;
}
