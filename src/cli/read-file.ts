import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { CipherloomError } from '../errors.ts';

/**
 * Read a regular file of at most `limit` bytes; `wayOut` is the hint for a larger one.
 *
 * Throws  FILE_UNREADABLE, RESOURCE_LIMIT before anything is allocated
 */
export function readBoundedFile(
  path: string,
  limit: number,
  wayOut?: string,
): Uint8Array<ArrayBuffer> {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new CipherloomError('FILE_UNREADABLE', `${path} cannot be read: ${reason}`, {
      phase: 'cli',
      node: path,
      hint: `check that ${path} exists and that this user may read it`,
      cause,
    });
  }
  try {
    const stats = fstatSync(file);
    if (!stats.isFile()) {
      throw new CipherloomError('FILE_UNREADABLE', `${path} is not a file`, {
        phase: 'cli',
        node: path,
        hint: 'give the name of a file',
      });
    }
    if (stats.size > limit) {
      throw new CipherloomError(
        'RESOURCE_LIMIT',
        `${path} has ${stats.size} bytes; at most ${limit} are read`,
        { phase: 'cli', node: path, details: { bytes: stats.size, limit }, hint: wayOut },
      );
    }
    const bytes = new Uint8Array(stats.size);
    let offset = 0;
    while (offset < bytes.length) {
      const read = readSync(file, bytes, offset, Math.min(bytes.length - offset, 2 ** 30), null);
      if (read === 0) {
        throw new CipherloomError(
          'FILE_UNREADABLE',
          `${path} became shorter while it was read: ${offset} of ${bytes.length} bytes`,
          { phase: 'cli', node: path, details: { expected: bytes.length, actual: offset } },
        );
      }
      offset += read;
    }
    return bytes;
  } finally {
    closeSync(file);
  }
}
