/** Digits of MNIST's test set, for those who do not draw: the first of each, 0 to 9. */
import digitsUrl from './digits.npy?url';
import { digitSize } from './digit-image.ts';

const pixels = digitSize * digitSize;

/** Load the digits in ascending order; values in 0…1. */
export async function loadSamples(): Promise<Float32Array<ArrayBuffer>[]> {
  const buffer = await (await fetch(digitsUrl)).arrayBuffer();
  // npy 1.0: magic, version, length of the header in two bytes; then bytes.
  const bytes = new Uint8Array(buffer, 10 + new DataView(buffer).getUint16(8, true));
  return Array.from({ length: 10 }, (_, digit) =>
    Float32Array.from(bytes.subarray(digit * pixels, (digit + 1) * pixels), (byte) => byte / 255),
  );
}
