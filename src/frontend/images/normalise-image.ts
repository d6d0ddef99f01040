/** From the bytes of a square image to what a network reads. */

/** How numbers are made of bytes: (byte / 255 − mean) / std, a mean and std for each channel. */
export interface Normalisation {
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

/**
 * The planes of an image as numbers; of one channel, its luma.
 *
 * Shapes  3 planes of bytes → `mean.length` planes
 * Source  luma: ITU-R BT.601 in thousandths, as Pillow converts to "L"
 */
export function normaliseImage(
  planes: Uint8Array,
  { mean, std }: Normalisation,
): Float32Array<ArrayBuffer> {
  const size = planes.length / 3;
  const channels = mean.length;
  const values = new Float32Array(channels * size);
  for (let channel = 0; channel < channels; channel++) {
    for (let n = 0; n < size; n++) {
      const byte = channels === 1 ? luma(planes, n, size) : planes[channel * size + n]!;
      values[channel * size + n] = (byte / 255 - mean[channel]!) / std[channel]!;
    }
  }
  return values;
}

function luma(planes: Uint8Array, n: number, size: number): number {
  const sum = 299 * planes[n]! + 587 * planes[size + n]! + 114 * planes[2 * size + n]!;
  return Math.floor(sum / 1000 + 0.5);
}
