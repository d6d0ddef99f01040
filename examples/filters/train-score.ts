// Trains score.json and writes the sample data of this folder: node train-score.ts MNIST_FOLDER.
// Nothing in it is random: gradient descent from zero on all images, so the files come out the same.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { formatNpy } from '../../src/frontend/npy/write-npy.ts';

const digits = [3, 8] as const;
const steps = 2000;
const rate = 2;
/** Keeps the argument of the sigmoid inside its polynomial's range, −8 to 8. */
const decay = 0.005;

/** Images 28 × 28 in 0…1, with their digits. */
function readMnist(folder: string, set: string): { image: Float64Array; digit: number }[] {
  const read = (name: string): Buffer => gunzipSync(readFileSync(path.join(folder, name)));
  const pixels = read(`${set}-images-idx3-ubyte.gz`).subarray(16);
  const labels = read(`${set}-labels-idx1-ubyte.gz`).subarray(8);
  return Array.from(labels, (digit, k) => ({
    image: Float64Array.from(pixels.subarray(k * 784, (k + 1) * 784), (pixel) => pixel / 255),
    digit,
  }));
}

/** Means of 3 × 3 pixels of the middle 24 × 24, as float32. */
function downscale(image: Float64Array): Float32Array {
  return Float32Array.from({ length: 64 }, (_, n) => {
    let sum = 0;
    for (let row = 0; row < 3; row++) {
      for (let column = 0; column < 3; column++) {
        sum += image[(2 + 3 * (n >> 3) + row) * 28 + 2 + 3 * (n & 7) + column]!;
      }
    }
    return sum / 9;
  });
}

const folder = process.argv[2];
if (folder === undefined) throw new Error('usage: node train-score.ts MNIST_FOLDER');
const pairs = (set: string) =>
  readMnist(folder, set)
    .filter(({ digit }) => digit === digits[0] || digit === digits[1])
    .map(({ image, digit }) => ({ x: downscale(image), y: Number(digit === digits[1]) }));
const [train, test] = [pairs('train'), pairs('t10k')];

const weights = new Float64Array(64);
let bias = 0;
const logit = (x: Float32Array): number => x.reduce((sum, v, n) => sum + v * weights[n]!, bias);
for (let step = 0; step < steps; step++) {
  const gradient = weights.map((weight) => decay * weight);
  let ofBias = 0;
  for (const { x, y } of train) {
    const error = (1 / (1 + Math.exp(-logit(x))) - y) / train.length;
    x.forEach((v, n) => (gradient[n]! += error * v));
    ofBias += error;
  }
  gradient.forEach((slope, n) => (weights[n]! -= rate * slope));
  bias -= rate * ofBias;
}

const accuracy = (set: typeof test): number =>
  set.filter(({ x, y }) => Number(logit(x) > 0) === y).length / set.length;
const write = (name: string, content: string | Uint8Array): void => {
  writeFileSync(path.join(import.meta.dirname, name), content);
};
const model = {
  about: `P(digit is ${digits[1]}, not ${digits[0]}) on MNIST, 8 × 8 means; train-score.ts made it`,
  trainAccuracy: accuracy(train),
  testAccuracy: accuracy(test),
  largestArgument: Math.max(...[...train, ...test].map(({ x }) => Math.abs(logit(x)))),
  bias: Math.fround(bias),
  weights: Array.from(weights, Math.fround),
};
write('score.json', `${JSON.stringify(model, null, 2)}\n`);

const samples = (set: typeof test, count: number): Uint8Array =>
  formatNpy({
    shape: [count, 64],
    data: Float32Array.from(set.slice(0, count).flatMap(({ x }) => [...x])),
  });
write('digits.npy', samples(test, 10));
write('digits-calibration.npy', samples(train, 100));

// The first four test images, side by side with four pixels around: 64 × 64.
const images = readMnist(folder, 't10k').slice(0, 4);
const picture = Float32Array.from({ length: 64 * 64 }, (_, n) => {
  const [row, column] = [(n >> 6) - 4, (n & 63) - 4];
  if (row < 0 || column < 0 || row >= 56 || column >= 56) return 0;
  const { image } = images[2 * Math.floor(row / 28) + Math.floor(column / 28)]!;
  return image[(row % 28) * 28 + (column % 28)]!;
});
write('image.npy', formatNpy({ shape: [1, 1, 64, 64], data: picture }));
console.log(model);
