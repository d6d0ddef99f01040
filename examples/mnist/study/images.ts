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
 * The first `count` images: of the MNIST test set where its files are in `data`, else the 20 test and
 * 128 training images beside the networks, over and over.
 */
export function writeImages(
  count: number,
  { data, examples, folder }: Readonly<Record<'data' | 'examples' | 'folder', string>>,
): ImageSet {
  const images = path.join(folder, `images-${count}.npy`);
  const packed = path.join(data, 't10k-images-idx3-ubyte.gz');
  if (existsSync(packed)) {
    const bytes = gunzipSync(readFileSync(packed)).subarray(imageHeaderBytes);
    const digits = gunzipSync(readFileSync(path.join(data, 't10k-labels-idx1-ubyte.gz')));
    const labels = path.join(folder, `labels-${count}.npy`);
    writeNpy(
      images,
      [count, 1, side, side],
      Float32Array.from(bytes.subarray(0, count * pixels), (byte) => byte / 255),
    );
    writeLabels(labels, digits.subarray(labelHeaderBytes, labelHeaderBytes + count));
    return { name: 'the MNIST test set', count, images, labels };
  }
  const own = ['images.npy', 'calibration.npy'].flatMap((name) => [
    ...readNpy(new Uint8Array(readFileSync(path.join(examples, name)))).data,
  ]);
  writeNpy(
    images,
    [count, 1, side, side],
    Float32Array.from({ length: count * pixels }, (_, k) => own[k % own.length] ?? 0),
  );
  return {
    name: `${own.length / pixels} MNIST images, over and over`,
    count,
    images,
    labels: null,
  };
}

function writeNpy(file: string, shape: readonly number[], data: Float32Array): void {
  writeArray(file, '<f4', shape, data);
}

function writeLabels(file: string, digits: Uint8Array): void {
  writeArray(
    file,
    '<i8',
    [digits.length],
    BigInt64Array.from(digits, (digit) => BigInt(digit)),
  );
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
