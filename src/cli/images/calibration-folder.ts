/** A folder of images in the place of calibration data. */
import { statSync } from 'node:fs';
import { CipherloomError } from '../../errors.ts';
import type { ImageData, InputForm } from '../input-tensors.ts';
import { listImages } from './list-images.ts';
import { normalisationOf, normalisationOptions, type GivenNormalisation } from './normalisation.ts';
import { readImages } from './read-images.ts';

/** As many as the passes take. */
const mostImages = 512;

/** How the images of a calibration folder become numbers. */
export const folderOptions = {
  mean: {
    ...normalisationOptions.mean,
    describe: 'with a folder of images: taken from the pixels in 0…1; default 0',
  },
  std: {
    ...normalisationOptions.std,
    describe: 'with a folder of images: what is left is divided by it; default 1',
  },
} as const;

export function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

/**
 * At most 512 images of a folder, evenly chosen, in the size of an input [1, C, S, S].
 *
 * Throws  INPUT_INVALID where the input is none of square images; as `listImages`, `readImages`
 */
export async function readCalibrationFolder(
  folder: string,
  { name, shape }: InputForm,
  given: GivenNormalisation,
): Promise<ImageData> {
  const [channels = 0, height = 0, width = 0] = shape.slice(-3);
  const leading = shape.slice(0, -3);
  const square = shape.length >= 3 && height === width && leading.every((extent) => extent === 1);
  if (!square || (channels !== 1 && channels !== 3)) {
    throw new CipherloomError(
      'INPUT_INVALID',
      `--calibration ${folder} is a folder of images; the input "${name}" takes [${shape.join(', ')}], not one or three square planes`,
      {
        phase: 'cli',
        node: name,
        details: { folder, expected: shape },
        hint: 'make an array of them (cipherloom images --help), in the order of axes that the input has',
      },
    );
  }
  const { images: all } = listImages(folder);
  const count = Math.min(mostImages, all.length);
  const paths = Array.from(
    { length: count },
    (_, n) => all[Math.floor((n * all.length) / count)]!.path,
  );
  const normalisation = normalisationOf(given, channels);
  const data = await readImages(paths, { size: height, resize: 'triangle', normalisation });
  return { data, images: count };
}
