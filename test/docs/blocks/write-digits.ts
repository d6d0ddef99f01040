/** A folder of images as the pages assume: digits as PNG files, a sub-folder a class. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { readNpyFile } from '../../../src/frontend/npy/read-npy.ts';
import { pixelImage, pngFile } from '../../support/image-files.ts';

const side = 28;
const images = 64;

/** The example images of MNIST again and again: every class has as many files, at least fifty. */
export function writeDigits(folder: string): void {
  const examples = path.join(import.meta.dirname, '../../../examples/mnist');
  const { data } = readNpyFile(path.join(examples, 'images.npy'));
  const labels = readNpyFile(path.join(examples, 'labels.npy')).data;
  for (let digit = 0; digit < 10; digit++) {
    const own = Array.from(labels, Number).flatMap((label, n) => (label === digit ? [n] : []));
    if (own.length === 0) continue;
    mkdirSync(path.join(folder, String(digit)), { recursive: true });
    for (let k = 0; k < images; k++) {
      const at = own[k % own.length]! * side * side;
      const image = pixelImage(side, side, (x, y) => {
        const gray = Math.round(255 * Number(data[at + y * side + x]));
        return [gray, gray, gray];
      });
      writeFileSync(
        path.join(folder, String(digit), `${String(k).padStart(3, '0')}.png`),
        pngFile(image),
      );
    }
  }
}
