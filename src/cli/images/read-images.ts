/** Image files as the numbers that a network reads. */
import { CipherloomError } from '../../errors.ts';
import { createImageDecoder } from '../../frontend/images/decode-image.ts';
import { loadDecoders } from '../../frontend/images/load-decoders.ts';
import { normaliseImage, type Normalisation } from '../../frontend/images/normalise-image.ts';
import { squareImage, type ResizeKernel } from '../../frontend/images/square-image.ts';
import { readImage } from './read-image.ts';

/** Numbers of all images together: 1 GiB. */
export const maxImageNumbers = 2 ** 28;

export interface ImageForm {
  /** Pixels of a side. */
  readonly size: number;
  readonly resize: ResizeKernel;
  readonly normalisation: Normalisation;
}

/**
 * The largest centred square of each image, resized and normalised.
 *
 * Shapes  [K, channels of the normalisation, size, size]
 * Throws  FILE_UNREADABLE, RESOURCE_LIMIT, DATA_INVALID naming the file
 */
export async function readImages(
  paths: readonly string[],
  { size, resize, normalisation }: ImageForm,
  onProgress: (done: number) => void = () => undefined,
): Promise<Float32Array<ArrayBuffer>> {
  const each = normalisation.mean.length * size * size;
  const decode = await createImageDecoder(await loadDecoders());
  const data = new Float32Array(paths.length * each);
  for (const [k, path] of paths.entries()) {
    onProgress(k);
    const pixels = squareImage(await readImage(path, decode), size, resize);
    data.set(normaliseImage(pixels, normalisation), k * each);
  }
  return data;
}

/** The error for more than `maxImageNumbers`. */
export function tooManyImages(
  folder: string,
  images: number,
  each: number,
  hint: string,
): CipherloomError {
  return new CipherloomError(
    'RESOURCE_LIMIT',
    `${images} images of ${each} numbers; at most ${maxImageNumbers} numbers are held`,
    {
      phase: 'cli',
      node: folder,
      details: { images, numbers: images * each, limit: maxImageNumbers },
      hint,
    },
  );
}
