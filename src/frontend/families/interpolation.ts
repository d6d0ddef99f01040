/**
 * Resizing an axis: which input elements, with which weights, make an output element.
 *
 * Positions are computed in float32, as ONNX Runtime does: with factors such as 0.6 the rounding
 * decides which element is the nearest. Source: ONNX operators, "Resize".
 */
import type { AxisRow } from './weighted-sums.ts';

export const coordinateModes = [
  'half_pixel',
  'half_pixel_symmetric',
  'pytorch_half_pixel',
  'align_corners',
  'asymmetric',
  'tf_half_pixel_for_nn',
  'tf_crop_and_resize',
] as const;

export const nearestModes = ['round_prefer_floor', 'round_prefer_ceil', 'floor', 'ceil'] as const;

export interface Interpolation {
  readonly mode: 'nearest' | 'linear' | 'cubic';
  readonly coordinates: (typeof coordinateModes)[number];
  readonly nearest: (typeof nearestModes)[number];
  /** The free coefficient of the cubic. */
  readonly cubicA: number;
  /** Whether elements outside count for nothing, rather than as those at the border. */
  readonly excludeOutside: boolean;
  /** Whether the window of an axis that shrinks is widened to all it stands for. */
  readonly antialias: boolean;
}

export interface AxisResize {
  readonly from: number;
  readonly to: number;
  /** Extent of the result over that of the operand, before the former was cut to a whole number. */
  readonly scale: number;
  /** Part of the axis that is resized, for tf_crop_and_resize: from 0 to 1. */
  readonly region: readonly [number, number];
}

/** One row for each output element; an empty one where a cropped region leaves the operand. */
export function interpolationRows(axis: AxisResize, interpolation: Interpolation): AxisRow[] {
  return Array.from({ length: axis.to }, (_, n): AxisRow => {
    const at = positionOf(n, axis, interpolation.coordinates);
    if (interpolation.coordinates === 'tf_crop_and_resize' && (at < 0 || at > axis.from - 1)) {
      return [];
    }
    if (interpolation.mode === 'nearest') {
      const nearest = rounding[interpolation.nearest](at);
      return [[Math.min(Math.max(nearest, 0), axis.from - 1), 1]];
    }
    return weightsAt(at, axis, interpolation);
  });
}

const f = Math.fround;

/** Where output element n lies between the input elements. */
function positionOf(
  n: number,
  { from, to, scale, region }: AxisResize,
  coordinates: Interpolation['coordinates'],
): number {
  const halfPixel = (): number => f(f(f(n + 0.5) / f(scale)) - 0.5);
  switch (coordinates) {
    case 'half_pixel':
      return halfPixel();
    case 'half_pixel_symmetric': {
      const adjustment = f(to / f(f(scale) * from));
      const offset = f(f(from / 2) * f(1 - adjustment));
      return f(offset + halfPixel());
    }
    case 'pytorch_half_pixel':
      return to > 1 ? halfPixel() : 0;
    case 'align_corners':
      return to > 1 ? f(f(n * (from - 1)) / (to - 1)) : 0;
    case 'asymmetric':
      return f(n / f(scale));
    case 'tf_half_pixel_for_nn':
      return f(f(n + 0.5) / f(scale));
    case 'tf_crop_and_resize': {
      const [start, end] = region;
      return to > 1
        ? f(f(start * (from - 1)) + f(f(f(n * f(end - start)) * (from - 1)) / (to - 1)))
        : f(0.5 * f(f(start + end) * (from - 1)));
    }
  }
}

const rounding: Readonly<Record<Interpolation['nearest'], (at: number) => number>> = {
  round_prefer_floor: (at) => Math.ceil(at - 0.5),
  round_prefer_ceil: (at) => Math.floor(at + 0.5),
  floor: Math.floor,
  ceil: Math.ceil,
};

function weightsAt(at: number, { from, scale }: AxisResize, interpolation: Interpolation): AxisRow {
  const { mode, cubicA, excludeOutside, antialias } = interpolation;
  const reach = mode === 'linear' ? 1 : 2;
  const kernel = mode === 'linear' ? triangle : (x: number) => cubic(x, cubicA);
  // A window of an axis that shrinks covers 1 / scale as many elements.
  const shrink = antialias ? Math.min(1, f(scale)) : 1;
  const first = Math.floor(at - reach / shrink) + 1;
  const last = Math.ceil(at + reach / shrink) - 1;
  const row = new Map<number, number>();
  let sum = 0;
  for (let k = first; k <= last; k++) {
    if (excludeOutside && (k < 0 || k >= from)) continue;
    const weight = kernel((k - at) * shrink);
    const input = Math.min(Math.max(k, 0), from - 1);
    row.set(input, (row.get(input) ?? 0) + weight);
    sum += weight;
  }
  return [...row].map(([input, weight]) => [input, weight / sum]);
}

function triangle(x: number): number {
  return Math.max(0, 1 - Math.abs(x));
}

/** Source: R. Keys, "Cubic convolution interpolation", 1981, eq. 8 with a free coefficient. */
function cubic(x: number, a: number): number {
  const t = Math.abs(x);
  if (t <= 1) return ((a + 2) * t - (a + 3)) * t * t + 1;
  if (t < 2) return ((a * t - 5 * a) * t + 8 * a) * t - 4 * a;
  return 0;
}
