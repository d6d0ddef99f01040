import { CipherloomError } from '../../errors.ts';
import { npyNumbers, readNpyFile } from '../../frontend/npy/read-npy.ts';
import type { ClientOutput } from '../../layout/client-plan.ts';
import { usageError } from '../usage-error.ts';
import { classOutput } from './compare.ts';

/**
 * Class indices from a `.npy` file, one for each of `images` images.
 *
 * Throws  DATA_INVALID, FILE_UNREADABLE; USAGE where no output has classes
 */
export function readLabels(
  path: string,
  images: number,
  outputs: readonly ClientOutput[],
): number[] {
  if (classOutput(outputs) === undefined) {
    throw usageError(
      `--labels ${path}: each of the outputs ${outputs.map(({ name }) => name).join(', ')} is one number an image, not a score for each class`,
      { option: '--labels', hint: 'leave --labels out' },
    );
  }
  const array = readNpyFile(path, { limit: images });
  const [count = 1, ...rest] = array.shape;
  const labels = [...npyNumbers(array, path)];
  if (rest.some((extent) => extent !== 1) || count < images) {
    throw new CipherloomError(
      'DATA_INVALID',
      `${path} has shape [${array.shape.join(', ')}]; ${images} images need [${images}] labels`,
      {
        phase: 'cli',
        node: path,
        details: { got: array.shape, expected: [images] },
        hint: 'one class index an image: np.save(path, labels.astype("int64"))',
      },
    );
  }
  const wrong = labels.findIndex((label) => !Number.isInteger(label) || label < 0);
  if (wrong >= 0) {
    throw new CipherloomError(
      'DATA_INVALID',
      `${path}: label ${wrong} is ${labels[wrong]!}, not a class index`,
      { phase: 'cli', node: path, details: { index: wrong, value: String(labels[wrong]) } },
    );
  }
  return labels;
}
