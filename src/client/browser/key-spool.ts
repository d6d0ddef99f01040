/**
 * Evaluation keys between being made and being on the server: in a private file of the browser, so
 * that memory stays small and a page that was reloaded goes on where it was. Runs in workers, the only
 * place where browsers offer such files for writing in place.
 */
import { formatHash } from '../../seal/sha256.ts';
import type { EvaluationKeyStream } from '../client.ts';
import { keysInMemory, type KeySource } from '../remote/key-source.ts';
import { Sha256 } from '../sha256-stream.ts';

/** The part of a worker's file system used here; its types are not those of pages. */
interface SyncFile {
  read(into: Uint8Array, options: { readonly at: number }): number;
  write(from: Uint8Array, options: { readonly at: number }): number;
  truncate(size: number): void;
  flush(): void;
  getSize(): number;
  close(): void;
}

interface FileHandle {
  createSyncAccessHandle?(): Promise<SyncFile>;
}

const folderName = 'cipherloom';

/** Keys in a file; disposing closes it. */
export interface SpooledKeys extends KeySource, Disposable {}

/**
 * Make the keys of a stream into the file of a plan; in memory where the browser has no such files or
 * another page uses this one.
 */
export async function spoolKeys(
  planHash: string,
  stream: EvaluationKeyStream,
): Promise<SpooledKeys> {
  const file = await openFile(planHash, true);
  if (file === null) return { ...(await keysInMemory(stream)), [Symbol.dispose]: () => undefined };
  try {
    const hash = new Sha256();
    file.truncate(0);
    let at = 0;
    for await (const piece of stream) {
      hash.update(piece);
      at += file.write(piece, { at });
    }
    file.flush();
    return spooled(file, formatHash(hash.digest()));
  } catch (error) {
    file.close();
    throw error;
  }
}

/** The keys that an earlier page made, if the file holds them whole. Cost: reading them once. */
export async function findSpooledKeys(
  planHash: string,
  sha256Hex: string,
  byteLength: number,
): Promise<SpooledKeys | null> {
  const file = await openFile(planHash, false);
  if (file === null) return null;
  if (file.getSize() === byteLength) {
    const keys = spooled(file, sha256Hex);
    const hash = new Sha256();
    const chunk = 2 ** 22;
    for (let at = 0; at < byteLength; at += chunk) {
      hash.update(await keys.read(at, Math.min(chunk, byteLength - at)));
    }
    if (formatHash(hash.digest()) === sha256Hex) return keys;
  }
  file.close();
  return null;
}

/** Remove the file of a plan; nothing happens where there is none. */
export async function removeSpooledKeys(planHash: string): Promise<void> {
  const folder = await openFolder(false);
  // Another page may have removed it, or use it; then it removes it.
  await folder?.removeEntry(planHash).catch(() => undefined);
}

function spooled(file: SyncFile, sha256Hex: string): SpooledKeys {
  return {
    byteLength: file.getSize(),
    sha256: sha256Hex,
    read(offset, length) {
      const bytes = new Uint8Array(length);
      const got = file.read(bytes, { at: offset });
      return got === length
        ? Promise.resolve(bytes)
        : Promise.reject(new RangeError(`the browser's file ends at byte ${offset + got}`));
    },
    [Symbol.dispose]: () => {
      file.close();
    },
  };
}

async function openFile(planHash: string, create: boolean): Promise<SyncFile | null> {
  try {
    const folder = await openFolder(create);
    const handle = (await folder?.getFileHandle(planHash, { create })) as FileHandle | undefined;
    return (await handle?.createSyncAccessHandle?.()) ?? null;
  } catch {
    // Not there, in use, or not allowed: private windows of some browsers have no such files.
    return null;
  }
}

async function openFolder(create: boolean): Promise<FileSystemDirectoryHandle | null> {
  try {
    const root = await navigator.storage.getDirectory();
    return await root.getDirectoryHandle(folderName, { create });
  } catch {
    return null;
  }
}
