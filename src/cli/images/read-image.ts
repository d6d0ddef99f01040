import { CipherloomError } from '../../errors.ts';
import type { ImageDecoder } from '../../frontend/images/decode-image.ts';
import { readBoundedFile } from '../read-file.ts';

/** A JPEG of 64 megapixels has about 20 MB. */
const maxFileBytes = 2 ** 27;

/** The pixels of an image file. Throws FILE_UNREADABLE, RESOURCE_LIMIT, DATA_INVALID naming it. */
export async function readImage(path: string, decode: ImageDecoder): ReturnType<ImageDecoder> {
  const bytes = readBoundedFile(path, maxFileBytes);
  try {
    return await decode(bytes);
  } catch (cause) {
    if (cause instanceof CipherloomError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new CipherloomError('DATA_INVALID', `${path}: ${reason}`, {
      phase: 'cli',
      node: path,
      hint: 'repair the image, or move it out of the folder',
      cause,
    });
  }
}
