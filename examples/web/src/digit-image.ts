/**
 * A drawing as MNIST has its digits: the ink fitted into 20 × 20 pixels, anti-aliased, with its centre
 * of mass in the middle of 28 × 28.
 *
 * Source  LeCun, Cortes, Burges, "The MNIST database of handwritten digits": size-normalised to a
 *         20 × 20 box, aspect ratio kept, then centred in 28 × 28 by the centre of mass
 */

export const digitSize = 28;
const boxSize = 20;

/** Grey values in 0…1, row by row; 1 is ink. */
export interface GreyImage {
  readonly width: number;
  readonly height: number;
  readonly data: Float32Array;
}

/** Bring a drawing into the form of MNIST; null where nothing was drawn. */
export function toDigit(drawing: GreyImage): Float32Array<ArrayBuffer> | null {
  const box = inkBox(drawing);
  if (box === null) return null;
  const scale = boxSize / Math.max(box.width, box.height);
  const width = Math.max(1, Math.round(box.width * scale));
  const height = Math.max(1, Math.round(box.height * scale));
  const small = resizeArea(drawing, box, width, height);
  let mass = 0;
  let x = 0;
  let y = 0;
  small.forEach((value, i) => {
    mass += value;
    x += value * (i % width);
    y += value * Math.floor(i / width);
  });
  const left = clamp(Math.round(digitSize / 2 - 0.5 - x / mass), digitSize - width);
  const top = clamp(Math.round(digitSize / 2 - 0.5 - y / mass), digitSize - height);
  const digit = new Float32Array(digitSize * digitSize);
  small.forEach((value, i) => {
    digit[(top + Math.floor(i / width)) * digitSize + left + (i % width)] = Math.min(value, 1);
  });
  return digit;
}

interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** The smallest box with all the ink. */
function inkBox({ width, height, data }: GreyImage): Box | null {
  let [left, top, right, bottom] = [width, height, -1, -1];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (data[y * width + x]! < 0.1) continue;
      left = Math.min(left, x);
      right = Math.max(right, x);
      top = Math.min(top, y);
      bottom = Math.max(bottom, y);
    }
  }
  return right < 0 ? null : { left, top, width: right - left + 1, height: bottom - top + 1 };
}

/** Each target pixel is the mean of the source under it, parts of pixels counted by their area. */
function resizeArea(image: GreyImage, box: Box, width: number, height: number): Float32Array {
  const result = new Float32Array(width * height);
  const [stepX, stepY] = [box.width / width, box.height / height];
  for (let v = 0; v < height; v++) {
    for (let u = 0; u < width; u++) {
      let sum = 0;
      for (let y = Math.floor(v * stepY); y < (v + 1) * stepY; y++) {
        const tall = Math.min(y + 1, (v + 1) * stepY) - Math.max(y, v * stepY);
        for (let x = Math.floor(u * stepX); x < (u + 1) * stepX; x++) {
          const wide = Math.min(x + 1, (u + 1) * stepX) - Math.max(x, u * stepX);
          const at = (box.top + y) * image.width + box.left + x;
          sum += tall * wide * (image.data[at] ?? 0);
        }
      }
      result[v * width + u] = sum / (stepX * stepY);
    }
  }
  return result;
}

function clamp(value: number, most: number): number {
  return Math.max(0, Math.min(most, value));
}
