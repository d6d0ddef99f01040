/** The MNIST test images, from the data folder. */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { formatNpy } from '../../src/frontend/npy/write-npy.ts';
import { dataPath } from './data.ts';

const side = 28;
const imageHeaderBytes = 16;
const labelHeaderBytes = 8;

export interface MnistFiles {
  /** float32 [K, 1, S, S] in 0…1, as the bytes of an npy file. */
  readonly images: Uint8Array<ArrayBuffer>;
  /** int64 [K]. */
  readonly labels: Uint8Array<ArrayBuffer>;
}

/**
 * The first `count` test images, with `padding` zero pixels on every side, or null where the data is
 * absent.
 */
export function mnistTestFiles(count: number, padding = 0): MnistFiles | null {
  const imagePath = dataPath('mnist', 't10k-images-idx3-ubyte.gz');
  const labelPath = dataPath('mnist', 't10k-labels-idx1-ubyte.gz');
  if (imagePath === null || labelPath === null) return null;
  const pixels = gunzipSync(readFileSync(imagePath)).subarray(imageHeaderBytes);
  const labels = gunzipSync(readFileSync(labelPath)).subarray(labelHeaderBytes);
  const wide = side + 2 * padding;
  const data = new Float32Array(count * wide * wide);
  for (let k = 0; k < count; k++) {
    for (let row = 0; row < side; row++) {
      for (let column = 0; column < side; column++) {
        const at = (k * wide + row + padding) * wide + column + padding;
        data[at] = pixels[(k * side + row) * side + column]! / 255;
      }
    }
  }
  return {
    images: formatNpy({ shape: [count, 1, wide, wide], data }),
    labels: formatNpy({
      shape: [count],
      data: BigInt64Array.from({ length: count }, (_, k) => BigInt(labels[k]!)),
    }),
  };
}
