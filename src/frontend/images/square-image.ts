/**
 * From the pixels of any image to the square a network reads: centre crop, resize, planes.
 *
 * This is all the preprocessing there is. It knows neither files nor Node, so that a web page and
 * the training data come from the same arithmetic; results are bytes, and the same bytes everywhere.
 */

/** Decoded pixels, four bytes each: red, green, blue and an alpha that is ignored. */
export interface PixelImage {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array | Uint8ClampedArray;
}

/**
 * How source pixels are weighted, by distance from the target pixel's centre in target pixels (in
 * source pixels where the image grows): the share of the source pixel under the target pixel, or a
 * tent of twice that width.
 */
export const resizeKernels = ['area', 'triangle'] as const;
export type ResizeKernel = (typeof resizeKernels)[number];

/** Weights that turn one line of `length` source pixels, from `start`, into one target pixel. */
interface Tap {
  readonly start: number;
  readonly weights: Float64Array;
}

/**
 * Crop the largest centred square and resize it.
 *
 * Shapes  width × height × 4 → 3 × size × size, bytes
 * Cost    (width + size) · size · taps multiply-adds; memory of size × height doubles
 */
export function squareImage(
  image: PixelImage,
  size: number,
  kernel: ResizeKernel,
): Uint8Array<ArrayBuffer> {
  const { width, height, data } = image;
  const side = Math.min(width, height);
  if (side < 1 || data.length !== width * height * 4) {
    throw new RangeError(`${data.length} bytes for an image of ${width} × ${height} pixels`);
  }
  const left = (width - side) >> 1;
  const top = (height - side) >> 1;
  const taps = lineTaps(side, size, kernel);
  const planes = new Uint8Array(3 * size * size);
  const rows = new Float64Array(side * size);
  for (let channel = 0; channel < 3; channel++) {
    for (let y = 0; y < side; y++) {
      const line = ((y + top) * width + left) * 4 + channel;
      for (let x = 0; x < size; x++) {
        const { start, weights } = taps[x]!;
        let sum = 0;
        for (let k = 0; k < weights.length; k++) sum += weights[k]! * data[line + (start + k) * 4]!;
        rows[y * size + x] = sum;
      }
    }
    for (let y = 0; y < size; y++) {
      const { start, weights } = taps[y]!;
      for (let x = 0; x < size; x++) {
        let sum = 0;
        for (let k = 0; k < weights.length; k++) sum += weights[k]! * rows[(start + k) * size + x]!;
        planes[(channel * size + y) * size + x] = Math.floor(sum + 0.5);
      }
    }
  }
  return planes;
}

/** The taps of every target pixel along one axis; the weights of each add up to one. */
function lineTaps(from: number, to: number, kernel: ResizeKernel): readonly Tap[] {
  const ratio = from / to;
  return Array.from({ length: to }, (_, i) => {
    const centre = (i + 0.5) * ratio;
    const reach = kernel === 'area' ? ratio / 2 : Math.max(ratio, 1);
    const start = Math.max(0, Math.floor(centre - reach + 1e-9));
    const end = Math.min(from, Math.max(start + 1, Math.ceil(centre + reach - 1e-9)));
    const weights = Float64Array.from({ length: end - start }, (__, k) =>
      weight(start + k, centre, reach, kernel),
    );
    const sum = weights.reduce((total, value) => total + value, 0);
    return { start, weights: weights.map((value) => value / sum) };
  });
}

function weight(pixel: number, centre: number, reach: number, kernel: ResizeKernel): number {
  if (kernel === 'area') {
    return Math.max(0, Math.min(pixel + 1, centre + reach) - Math.max(pixel, centre - reach));
  }
  return Math.max(0, 1 - Math.abs(pixel + 0.5 - centre) / reach);
}
