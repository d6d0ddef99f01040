/** What Resize and Upsample share: axes resized one by one as one linear map. */
import type { LinearMap } from '../../ir/linear-map.ts';
import { elementCount, rowMajorStrides } from '../../layout/layout.ts';
import type { DataValue, ImportContext } from '../define-importer.ts';
import { interpolationRows } from './interpolation.ts';
import type { AxisResize, Interpolation } from './interpolation.ts';
import { alongAxes, axisMatrix } from './weighted-sums.ts';

/** The whole of an axis. */
export const wholeAxis = [0, 1] as const;

/** An axis resized by a factor; its extent is cut to a whole number. Throws MODEL_INVALID. */
export function byScale(
  from: number,
  scale: number,
  context: Pick<ImportContext, 'invalid'>,
  region: AxisResize['region'] = wholeAxis,
): AxisResize {
  const to = Math.floor(Math.fround(Math.fround(from * (region[1] - region[0])) * scale));
  if (!(scale > 0) || to < 1) {
    context.invalid(`the factor ${scale} leaves nothing of an extent of ${from}`, { from, scale });
  }
  return { from, to, scale, region };
}

/** Resize every axis whose extent or position changes; `extrapolated` stands where a row is empty. */
export function resized(
  x: DataValue,
  axes: readonly AxisResize[],
  interpolation: Interpolation,
  extrapolated: number,
  context: ImportContext,
): DataValue {
  const shape = axes.map(({ to }) => to);
  context.elements(shape);
  const matrices = new Map<number, LinearMap>();
  const outside: (readonly boolean[])[] = axes.map(() => []);
  axes.forEach((axis, k) => {
    if (axis.from === axis.to && axis.scale === 1 && axis.region === wholeAxis) return;
    const rows = interpolationRows(axis, interpolation);
    matrices.set(k, axisMatrix(axis.from, rows));
    outside[k] = rows.map((row) => row.length === 0);
  });
  if (extrapolated === 0 || !outside.flat().includes(true)) return alongAxes(x, matrices, context);
  const strides = rowMajorStrides(shape);
  const bias = Float64Array.from({ length: elementCount(shape) }, (_, n) =>
    outside.some((of, k) => of[Math.floor(n / strides[k]!) % shape[k]!] === true)
      ? extrapolated
      : 0,
  );
  return alongAxes(x, matrices, context, bias);
}
