/** Reads a file in pieces (Node only; nothing that a browser loads imports this). */
import { open, type FileHandle } from 'node:fs/promises';
import { CipherloomError } from '../errors.ts';
import type { ByteSource } from './byte-source.ts';

export interface FileSource extends ByteSource, AsyncDisposable {
  readonly path: string;
}

/** Open a regular file. Throws FILE_UNREADABLE. */
export async function openFileSource(path: string): Promise<FileSource> {
  const handle = await openOrRefuse(path);
  const stat = await handle.stat();
  if (!stat.isFile()) {
    await handle.close();
    throw new CipherloomError('FILE_UNREADABLE', `${path} is not a regular file`, { node: path });
  }
  const byteLength = stat.size;
  return {
    path,
    byteLength,
    async read(offset, length) {
      const bytes = new Uint8Array(length);
      let done = 0;
      while (done < length) {
        const { bytesRead } = await handle.read(bytes, done, length - done, offset + done);
        if (bytesRead === 0) {
          throw new CipherloomError(
            'FILE_UNREADABLE',
            `${path} ended at byte ${offset + done}, ${length - done} bytes early: it changed while it was read`,
            { node: path },
          );
        }
        done += bytesRead;
      }
      return bytes;
    },
    [Symbol.asyncDispose]: () => handle.close(),
  };
}

async function openOrRefuse(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r');
  } catch (cause) {
    throw new CipherloomError('FILE_UNREADABLE', `cannot open ${path}`, {
      node: path,
      hint: 'check the path and its permissions',
      cause,
    });
  }
}
