import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readSync,
  realpathSync,
} from 'node:fs';
import type { Stats } from 'node:fs';
import path from 'node:path';
import { externalError } from './external-data.ts';
import type { ExternalData, ExternalPlace } from './external-data.ts';

/**
 * The files of a model's folder, as far as its tensors may reach: ordinary files inside it, with one
 * name each. Links, pipes and devices are refused without being opened; hard links too, because a
 * second name of a file elsewhere would carry its content out.
 */
export function openModelFolder(folder: string): ExternalData {
  const find = (place: ExternalPlace): { readonly file: string; readonly stats: Stats } => {
    const asked = path.normalize(place.location);
    let file: string;
    let stats: Stats;
    try {
      const root = realpathSync(folder);
      file = path.join(root, asked);
      stats = lstatSync(file);
      // A folder on the way may be a link as well.
      if (stats.isSymbolicLink() || realpathSync(file) !== file)
        throw externalError(place, 'it is reached through a symbolic link', {}, plainFile);
    } catch (cause) {
      throw isSystemError(cause) ? unreadable(place, cause) : cause;
    }
    if (!stats.isFile()) throw externalError(place, 'it is not a file', {}, plainFile);
    if (stats.nlink > 1) {
      throw externalError(
        place,
        `the file has ${stats.nlink} names (hard links)`,
        { links: stats.nlink },
        plainFile,
      );
    }
    return { file, stats };
  };
  return {
    size: (place) => find(place).stats.size,
    read(place, offset, length) {
      const { file, stats } = find(place);
      let descriptor: number;
      try {
        // What lies there now may be another file than the one looked at: it must not be followed,
        // must not block, and must be the same.
        descriptor = openSync(
          file,
          constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK,
        );
      } catch (cause) {
        throw isSystemError(cause) ? unreadable(place, cause) : cause;
      }
      try {
        const opened = fstatSync(descriptor);
        if (opened.ino !== stats.ino || opened.dev !== stats.dev || !opened.isFile())
          throw externalError(place, 'it was replaced while it was read');
        const bytes = new Uint8Array(length);
        let done = 0;
        while (done < length) {
          const step = Math.min(length - done, 2 ** 30);
          const read = readSync(descriptor, bytes, done, step, offset + done);
          if (read === 0) throw externalError(place, 'it became shorter while it was read');
          done += read;
        }
        return bytes;
      } finally {
        closeSync(descriptor);
      }
    },
  };
}

const plainFile = "copy the file itself into the model's folder";

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error;
}

function unreadable(place: ExternalPlace, cause: NodeJS.ErrnoException): Error {
  return externalError(
    place,
    `it cannot be read (${cause.code ?? 'unknown reason'})`,
    { systemCode: cause.code ?? null },
    'put the file beside the model, under the name that the model gives',
  );
}
