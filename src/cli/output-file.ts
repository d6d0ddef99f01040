import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { CipherloomError } from '../errors.ts';
import {
  checkWritableParent,
  refuseInputAsOutput,
  resolveOutput,
  statOrUndefined,
  unwritable,
} from './output-checks.ts';
import { registerCleanup, temporarySibling } from './temporary-paths.ts';

export interface OutputFileOptions {
  /** The option that named the file, for errors; default `--output`. */
  readonly flag?: string;
  /** Files that are read, which the output must not replace. */
  readonly inputs?: readonly string[];
  /** Permission bits of the new file; default 0o666 less the umask. */
  readonly mode?: number;
}

/**
 * Refuse an output file that cannot be written or that is an input. Call it before long work, so
 * that a misspelt folder costs no minutes.
 *
 * Throws  USAGE, FILE_UNWRITABLE
 */
export function checkOutputFile(path: string, options: OutputFileOptions = {}): void {
  const { flag = '--output', inputs = [] } = options;
  refuseInputAsOutput(path, flag, inputs);
  if (statOrUndefined(path)?.isDirectory() === true) {
    throw new CipherloomError('FILE_UNWRITABLE', `${flag} ${path} is a folder, not a file`, {
      phase: 'cli',
      node: path,
      details: { option: flag, path },
      hint: `give ${flag} the name of a file`,
    });
  }
  checkWritableParent(resolveOutput(path), flag);
}

/**
 * Write a file whole or not at all: to a temporary name beside it, then renamed.
 *
 * Throws  USAGE, FILE_UNWRITABLE
 */
export function writeOutputFile(
  path: string,
  data: Uint8Array | string,
  options: OutputFileOptions = {},
): void {
  writeOutputChunks(path, [data], options);
}

/** The same for what is too large to hold at once; an error while producing leaves no file. */
export function writeOutputChunks(
  path: string,
  chunks: Iterable<Uint8Array | string>,
  options: OutputFileOptions = {},
): void {
  const { flag = '--output', mode = 0o666 } = options;
  checkOutputFile(path, options);
  const target = resolveOutput(path);
  const existing = statOrUndefined(target);
  // A device or a pipe (/dev/null, /dev/stdout) is written to; only a file can be replaced.
  const replaces = existing === undefined || existing.isFile();
  const written = replaces ? temporarySibling(target, 'tmp') : target;
  using _cleanup = replaces ? registerCleanup({ kind: 'remove', path: written }) : undefined;
  try {
    const file = onDisk(path, flag, () => openSync(written, replaces ? 'wx' : 'w', mode));
    try {
      for (const chunk of chunks) {
        const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
        // One write may take less than all of it; Linux stops at 2 GiB.
        let offset = 0;
        while (offset < bytes.byteLength) {
          offset += onDisk(path, flag, () => writeSync(file, bytes, offset));
        }
      }
      if (replaces)
        onDisk(path, flag, () => {
          fsyncSync(file);
        });
    } finally {
      closeSync(file);
    }
    if (replaces)
      onDisk(path, flag, () => {
        renameSync(written, target);
      });
  } catch (error) {
    if (replaces) rmSync(written, { force: true });
    throw error;
  }
}

/** What fails here is the disk; what fails in the producer of the chunks keeps its own error. */
function onDisk<T>(path: string, flag: string, act: () => T): T {
  try {
    return act();
  } catch (cause) {
    throw unwritable(path, flag, cause);
  }
}
