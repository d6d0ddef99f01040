/** Inputs inside the declared range that stand in for calibration data. */
import { elementCount } from '../../layout/layout.ts';
import { randomNumbers } from './random.ts';

/** How many synthetic inputs there are. */
export const syntheticCount = 64;

/** Of them: uniform noise, and impulses on either ground. */
const noiseCount = 12;
const impulseCount = 8;
const seed = 0x10c0_57a7;

/** Fills one image with numbers in [0, 1]. */
type Pattern = (
  shape: readonly number[],
  random: () => number,
  n: number,
) => Float64Array<ArrayBuffer>;

const constant =
  (value: number): Pattern =>
  (shape) =>
    new Float64Array(elementCount(shape)).fill(value);

const checkerboard =
  (phase: number): Pattern =>
  (shape) =>
    new Float64Array(elementCount(shape)).map((_, n) => {
      let rest = n;
      let parity = phase;
      // Of the last two axes only: channels alike, as in grey images.
      for (const extent of shape.slice(-2).toReversed()) {
        parity += rest % extent;
        rest = Math.floor(rest / extent);
      }
      return parity % 2;
    });

const noise: Pattern = (shape, random) => new Float64Array(elementCount(shape)).map(() => random());

const impulse: Pattern = (shape, random, n) => {
  const ground = n % 2;
  const image = new Float64Array(elementCount(shape)).fill(ground);
  image[Math.floor(random() * image.length)] = 1 - ground;
  return image;
};

/** Smooth spots of random place, width and strength: the energy of natural images is in low frequencies. */
const blobs: Pattern = (shape, random) => {
  const [height = 1, width = 1] = shape.length > 1 ? shape.slice(-2) : [1, shape.at(-1) ?? 1];
  const planes = elementCount(shape) / (height * width);
  const image = new Float64Array(elementCount(shape));
  const spots = Array.from({ length: 2 + Math.floor(random() * 6) }, () => ({
    y: random() * height,
    x: random() * width,
    spread: (0.05 + 0.25 * random()) * Math.max(height, width),
    strength: random() * 2 - 0.7,
  }));
  for (let plane = 0; plane < planes; plane++) {
    // Channels share their edges and differ in brightness.
    const tint = 0.6 + 0.8 * random();
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        let value = 0;
        for (const spot of spots) {
          const distance = (y - spot.y) ** 2 + (x - spot.x) ** 2;
          value += tint * spot.strength * Math.exp(-distance / (2 * spot.spread ** 2));
        }
        image[(plane * height + y) * width + x] = Math.min(1, Math.max(0, value));
      }
    }
  }
  return image;
};

const patterns: readonly Pattern[] = [
  constant(0),
  constant(0.5),
  constant(1),
  checkerboard(0),
  checkerboard(1),
  ...new Array<Pattern>(noiseCount).fill(noise),
  ...new Array<Pattern>(impulseCount).fill(impulse),
];

/** Synthetic image n, below `syntheticCount`, of one input: its elements, inside [lo, hi]. */
export function syntheticInput(
  shape: readonly number[],
  [lo, hi]: readonly [number, number],
  input: number,
  n: number,
): Float64Array<ArrayBuffer> {
  const random = randomNumbers(seed + 0x0001_0001 * n + 0x0101_0000 * input);
  const image = (patterns[n] ?? blobs)(shape, random, n);
  // Stretched, so that both ends of the range are reached and never left.
  return image.map((value) => Math.min(hi, Math.max(lo, lo + (hi - lo) * value)));
}
