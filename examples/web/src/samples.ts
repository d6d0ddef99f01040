/** Digits of MNIST's test set, for those who do not draw: the images of examples/mnist. */
import imagesUrl from '../../mnist/images.npy?url';
import { digitSize } from './digit-image.ts';

const pixels = digitSize * digitSize;

/** Images of 28 × 28 in 0…1, the first of each digit in the order of `labels`. */
export interface Sample {
  readonly digit: number;
  readonly data: Float32Array<ArrayBuffer>;
}

/** Labels of the first images; the file of labels stands beside that of the images. */
const labels = [7, 2, 1, 0, 4, 1, 4, 9, 5, 9, 0, 6, 9, 0, 1, 5, 9, 7, 3, 4];

/** Load one image of each digit that is there, in ascending order. */
export async function loadSamples(): Promise<Sample[]> {
  const buffer = await (await fetch(imagesUrl)).arrayBuffer();
  // npy 1.0: magic, version, length of the header in two bytes; then float32, little-endian.
  const from = 10 + new DataView(buffer).getUint16(8, true);
  const images = new Float32Array(buffer.slice(from));
  return labels
    .map((digit, i) => ({ digit, data: images.slice(i * pixels, (i + 1) * pixels) }))
    .filter(({ digit, data }, i) => data.length === pixels && labels.indexOf(digit) === i)
    .sort((a, b) => a.digit - b.digit);
}
