/** MNIST from the data folder. */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { formatNpy } from '../../src/frontend/npy/write-npy.ts';
import { dataPath } from './data.ts';

const side = 28;
const imageHeaderBytes = 16;
const labelHeaderBytes = 8;
const fileNames = { train: 'train', test: 't10k' } as const;

export interface MnistFiles {
  /** float32 [K, 1, S, S], as the bytes of an npy file. */
  readonly images: Uint8Array<ArrayBuffer>;
  /** int64 [K]. */
  readonly labels: Uint8Array<ArrayBuffer>;
}

/** The form in which a network takes a digit. */
export interface DigitForm {
  /** 28 as it is, more with zero pixels around it, 14 with the mean of each 2×2 pixels. */
  readonly side: 14 | 28 | 32;
  /** The value of a white pixel. */
  readonly white: number;
}

/** `count` images from the first on of a part of MNIST, or null where the data is absent. */
export function mnistFiles(
  part: 'train' | 'test',
  { first, count }: { readonly first: number; readonly count: number },
  form: DigitForm,
): MnistFiles | null {
  const imagePath = dataPath('mnist', `${fileNames[part]}-images-idx3-ubyte.gz`);
  const labelPath = dataPath('mnist', `${fileNames[part]}-labels-idx1-ubyte.gz`);
  if (imagePath === null || labelPath === null) return null;
  const pixels = gunzipSync(readFileSync(imagePath)).subarray(imageHeaderBytes);
  const labels = gunzipSync(readFileSync(labelPath)).subarray(labelHeaderBytes);
  const data = new Float32Array(count * form.side * form.side);
  for (let k = 0; k < count; k++) {
    const digit = pixels.subarray((first + k) * side * side, (first + k + 1) * side * side);
    data.set(digitIn(form, digit), k * form.side * form.side);
  }
  return {
    images: formatNpy({ shape: [count, 1, form.side, form.side], data }),
    labels: formatNpy({
      shape: [count],
      data: BigInt64Array.from({ length: count }, (_, k) => BigInt(labels[first + k]!)),
    }),
  };
}

function digitIn({ side: wide, white }: DigitForm, digit: Uint8Array): Float32Array {
  // A pixel of the result is the mean of so many by so many.
  const block = wide < side ? side / wide : 1;
  const padding = (wide * block - side) / 2;
  const at = (row: number, column: number): number =>
    row < 0 || column < 0 || row >= side || column >= side ? 0 : digit[row * side + column]!;
  return Float32Array.from({ length: wide * wide }, (_, n) => {
    const [row, column] = [Math.floor(n / wide) * block - padding, (n % wide) * block - padding];
    let sum = 0;
    for (let y = 0; y < block; y++) for (let x = 0; x < block; x++) sum += at(row + y, column + x);
    return (sum / block ** 2 / 255) * white;
  });
}

/** Zero pixels on every side. */
export type DigitPadding = 0 | 2;

/** The first `count` test images in 0…1, with `padding` zero pixels on every side. */
export function mnistTestFiles(count: number, padding: DigitPadding = 0): MnistFiles | null {
  return mnistFiles('test', { first: 0, count }, { side: padding === 0 ? 28 : 32, white: 1 });
}
