import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { CipherloomError, invariant } from '../errors.ts';
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
  using file = openOutput(path, options);
  for (const chunk of chunks) file.write(chunk);
  file.commit();
}

/** The same for chunks that are made while others are written. */
export async function writeOutputStream(
  path: string,
  chunks: AsyncIterable<Uint8Array>,
  options: OutputFileOptions = {},
): Promise<void> {
  using file = openOutput(path, options);
  for await (const chunk of chunks) file.write(chunk);
  file.commit();
}

interface PendingOutput extends Disposable {
  write(chunk: Uint8Array | string): void;
  /** Give the file its name; without this, disposing removes it. */
  commit(): void;
}

function openOutput(path: string, options: OutputFileOptions): PendingOutput {
  const { flag = '--output', mode = 0o666 } = options;
  checkOutputFile(path, options);
  const target = resolveOutput(path);
  const existing = statOrUndefined(target);
  // A device or a pipe (/dev/null, /dev/stdout) is written to; only a file can be replaced.
  const replaces = existing === undefined || existing.isFile();
  const written = replaces ? temporarySibling(target, 'tmp') : target;
  const cleanup = replaces ? registerCleanup({ kind: 'remove', path: written }) : undefined;
  let file: number | undefined;
  try {
    file = onDisk(path, flag, () => openSync(written, replaces ? 'wx' : 'w', mode));
  } catch (error) {
    cleanup?.[Symbol.dispose]();
    throw error;
  }
  const close = (): void => {
    if (file !== undefined) closeSync(file);
    file = undefined;
  };
  return {
    write(chunk) {
      const open = file;
      invariant(open !== undefined, 'the output is open');
      const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
      // One write may take less than all of it; Linux stops at 2 GiB.
      let offset = 0;
      while (offset < bytes.byteLength) {
        offset += onDisk(path, flag, () => writeSync(open, bytes, offset));
      }
    },
    commit() {
      const open = file;
      invariant(open !== undefined, 'the output is open');
      if (replaces)
        onDisk(path, flag, () => {
          fsyncSync(open);
        });
      close();
      if (replaces)
        onDisk(path, flag, () => {
          renameSync(written, target);
        });
    },
    [Symbol.dispose]() {
      close();
      // After commit there is no file of that name any more.
      if (replaces) rmSync(written, { force: true });
      cleanup?.[Symbol.dispose]();
    },
  };
}

/** What fails here is the disk; what fails in the producer of the chunks keeps its own error. */
function onDisk<T>(path: string, flag: string, act: () => T): T {
  try {
    return act();
  } catch (cause) {
    throw unwritable(path, flag, cause);
  }
}
