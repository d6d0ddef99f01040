/** Real MNIST images for the cells of the study, and the test labels where they are there. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { readNpy } from 'cipherloom';

const side = 28;
const pixels = side * side;
const imageHeaderBytes = 16;
const labelHeaderBytes = 8;

export interface ImageSet {
  /** In words, for the page. */
  readonly name: string;
  readonly count: number;
  /** An npy file of images, and one of their digits. */
  readonly images: string;
  readonly labels: string | null;
}

/**
 * `count` images: the MNIST test set where its files are in `data`, else the 20 test and 128 training
 * images beside the networks; over and over where there are fewer than `count`.
 */
export function writeImages(
  count: number,
  { data, examples, folder }: Readonly<Record<'data' | 'examples' | 'folder', string>>,
): ImageSet {
  const images = path.join(folder, `images-${count}.npy`);
  const write = (own: ArrayLike<number>, scale: number): string => {
    const values = Float32Array.from(
      { length: count * pixels },
      (_, k) => (own[k % own.length] ?? 0) / scale,
    );
    writeArray(images, '<f4', [count, 1, side, side], values);
    return count * pixels > own.length ? ', over and over' : '';
  };
  const packed = path.join(data, 't10k-images-idx3-ubyte.gz');
  if (existsSync(packed)) {
    const bytes = gunzipSync(readFileSync(packed)).subarray(imageHeaderBytes);
    const file = gunzipSync(readFileSync(path.join(data, 't10k-labels-idx1-ubyte.gz')));
    const digits = file.subarray(labelHeaderBytes);
    const labels = path.join(folder, `labels-${count}.npy`);
    writeArray(
      labels,
      '<i8',
      [count],
      BigInt64Array.from({ length: count }, (_, k) => BigInt(digits[k % digits.length] ?? 0)),
    );
    return { name: `the MNIST test set${write(bytes, 255)}`, count, images, labels };
  }
  const own = ['images.npy', 'calibration.npy'].flatMap((name) => [
    ...readNpy(new Uint8Array(readFileSync(path.join(examples, name)))).data,
  ]);
  const repeated = write(own, 1);
  return { name: `${own.length / pixels} MNIST images${repeated}`, count, images, labels: null };
}

/** NumPy's format 1.0: a head of a multiple of 64 bytes, then the numbers. */
function writeArray(
  file: string,
  descr: string,
  shape: readonly number[],
  data: Float32Array | BigInt64Array,
): void {
  const list = shape.length === 1 ? `${String(shape[0])},` : shape.join(', ');
  const head = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${list}), }`;
  const padded = `${head.padEnd(Math.ceil((head.length + 11) / 64) * 64 - 11)}\n`;
  const start = Buffer.concat([
    Buffer.from('\x93NUMPY\x01\x00', 'latin1'),
    Buffer.from([padded.length & 255, padded.length >> 8]),
    Buffer.from(padded, 'latin1'),
  ]);
  writeFileSync(
    file,
    Buffer.concat([start, Buffer.from(data.buffer, data.byteOffset, data.byteLength)]),
  );
}
