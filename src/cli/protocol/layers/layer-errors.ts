/** The error of each layer, taken apart: approximation, range escape, encoding, noise. */
import { alignValues } from './align-values.ts';
import type { Alignment, LayerImages } from './align-values.ts';

/** One layer as four runs saw it: each [images][elements]. */
export interface LayerRuns {
  readonly node: string;
  readonly op: string | null;
  readonly shape: readonly number[];
  /** On ciphertexts. */
  readonly encrypted: LayerImages;
  /** The plan in float64. */
  readonly clear: LayerImages;
  /** With drawn errors of every kind, and with those of encoding alone. */
  readonly simulated: LayerImages;
  readonly encoded: LayerImages;
  /** The model; null where it has no such value. */
  readonly original: LayerImages | null;
  /** Per image, whether an activation up to here left its range. */
  readonly escaped: readonly boolean[];
}

/** Root mean squares relative to that of the layer's values. */
export interface LayerError {
  readonly node: string;
  readonly op: string | null;
  readonly elements: number;
  /** How the plan's values stand to the model's; null where they cannot be compared. */
  readonly aligned: Alignment['kind'] | null;
  /** Polynomials against activations, images that stay in the ranges. */
  readonly approximation: number | null;
  /** The same, images that leave one. */
  readonly rangeEscape: number | null;
  /** Rounded weights and constants, as simulated. */
  readonly encoding: number;
  /** What is left of ciphertexts against the plan in the clear. */
  readonly noise: number;
  /** Of encoding and noise together: measured on ciphertexts, and simulated. */
  readonly measured: number;
  readonly predicted: number;
  /** Ciphertexts against the model. */
  readonly total: number | null;
  readonly escapedImages: number;
}

export interface WrongLayer {
  readonly node: string;
  readonly cause: 'approximation' | 'range escape' | 'encoding' | 'noise';
  readonly error: number;
  readonly limit: number;
}

/**
 * Measured noise beyond this many times the simulated is wrong: under one key, and with the few slots
 * that SEAL loads, twice is not rare.
 */
const noiseFactor = 4;

/** Take the error of a layer apart. */
export function layerError(runs: LayerRuns): LayerError {
  const { clear, original, shape, escaped } = runs;
  const elements = clear[0]?.length ?? 0;
  const size = rms(
    clear,
    () => true,
    (k, e) => clear[k]![e]!,
  );
  const relative = (value: number, by: number): number =>
    by > 0 ? value / by : value === 0 ? 0 : Infinity;
  const against = (other: LayerImages): number =>
    relative(
      rms(
        clear,
        () => true,
        (k, e) => other[k]![e]! - clear[k]![e]!,
      ),
      size,
    );
  const measured = against(runs.encrypted);
  const predicted = against(runs.simulated);
  const encoding = Math.min(against(runs.encoded), measured);
  const common = {
    node: runs.node,
    op: runs.op,
    elements,
    encoding,
    noise: Math.sqrt(Math.max(0, measured ** 2 - encoding ** 2)),
    measured,
    predicted,
    escapedImages: escaped.filter(Boolean).length,
  };
  // Channels are the first axis behind the batch's.
  const alignment = original && alignInside(clear, original, shape[1] ?? 1, escaped);
  if (original === null || alignment === null) {
    return { ...common, aligned: null, approximation: null, rangeEscape: null, total: null };
  }
  const originalSize = rms(
    original,
    () => true,
    (k, e) => original[k]![e]!,
  );
  const apart = (values: LayerImages, of: (image: number) => boolean): number =>
    relative(
      rms(original, of, (k, e) => alignment.apply(values[k]![e]!, e) - original[k]![e]!),
      originalSize,
    );
  return {
    ...common,
    aligned: alignment.kind,
    approximation: apart(clear, (image) => escaped[image] !== true),
    rangeEscape: apart(clear, (image) => escaped[image] === true),
    total: apart(runs.encrypted, () => true),
  };
}

/** Alignment by the images that stay in the ranges, where there are some: the others are far off. */
function alignInside(
  clear: LayerImages,
  original: LayerImages,
  channels: number,
  escaped: readonly boolean[],
): Alignment | null {
  const inside = (_: unknown, image: number): boolean => escaped[image] !== true;
  if (escaped.every(Boolean)) return alignValues(clear, original, channels);
  return alignValues(clear.filter(inside), original.filter(inside), channels);
}

/** Root mean square over all elements, of the images that count. */
function rms(
  images: LayerImages,
  counts: (image: number) => boolean,
  value: (image: number, element: number) => number,
): number {
  let squares = 0;
  let elements = 0;
  for (const [k, image] of images.entries()) {
    elements += image.length;
    if (!counts(k)) continue;
    for (let e = 0; e < image.length; e++) squares += value(k, e) ** 2;
  }
  return Math.sqrt(squares / Math.max(1, elements));
}

/**
 * The first layer whose error exceeds the limit, or whose noise is more than four times what the
 * noise model says, and the largest part of that error; null where there is none.
 */
export function firstWrongLayer(layers: readonly LayerError[], limit: number): WrongLayer | null {
  for (const layer of layers) {
    const { node, approximation, rangeEscape, encoding, noise, measured, predicted } = layer;
    const total = layer.total ?? measured;
    if (total > limit) {
      const parts = [
        ['approximation', approximation ?? 0],
        ['range escape', rangeEscape ?? 0],
        ['encoding', encoding],
        ['noise', noise],
      ] as const;
      const [cause] = parts.reduce((most, part) => (part[1] > most[1] ? part : most));
      return { node, cause, error: total, limit };
    }
    if (measured > noiseFactor * predicted) {
      return { node, cause: 'noise', error: measured, limit: noiseFactor * predicted };
    }
  }
  return null;
}
