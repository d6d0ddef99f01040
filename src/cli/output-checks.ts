import { accessSync, constants, realpathSync, statSync, type Stats } from 'node:fs';
import { dirname, relative, resolve, sep } from 'node:path';
import { CipherloomError } from '../errors.ts';
import { usageError } from './usage-error.ts';

export function statOrUndefined(path: string): Stats | undefined {
  return statSync(path, { throwIfNoEntry: false });
}

/** Follow links as far as `path` exists, so that a rename replaces the file and not the link. */
export function resolveOutput(path: string): string {
  return statOrUndefined(path) === undefined ? resolve(path) : realpathSync(path);
}

/** Refuse an output whose folder is absent or cannot be written, before any work is done. */
export function checkWritableParent(path: string, flag: string): void {
  const folder = dirname(resolve(path));
  const stats = statOrUndefined(folder);
  if (stats === undefined) {
    throw new CipherloomError(
      'FILE_UNWRITABLE',
      `${flag} ${path}: the folder ${folder} does not exist`,
      {
        phase: 'cli',
        node: path,
        details: { option: flag, folder },
        hint: `mkdir -p ${folder}`,
      },
    );
  }
  if (!stats.isDirectory()) {
    throw new CipherloomError('FILE_UNWRITABLE', `${flag} ${path}: ${folder} is not a folder`, {
      phase: 'cli',
      node: path,
      details: { option: flag, folder },
    });
  }
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
  } catch (cause) {
    throw unwritable(path, flag, cause);
  }
}

export function unwritable(path: string, flag: string, cause: unknown): CipherloomError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new CipherloomError('FILE_UNWRITABLE', `${flag} ${path} cannot be written: ${reason}`, {
    phase: 'cli',
    node: path,
    details: { option: flag, path },
    hint: `give ${flag} a path that this user may write, on a disk with room`,
    cause,
  });
}

/** Refuse to write over an input: by file identity, so that links and other spellings count. */
export function refuseInputAsOutput(path: string, flag: string, inputs: readonly string[]): void {
  const output = statOrUndefined(path);
  if (output === undefined) return;
  for (const input of inputs) {
    const stats = statOrUndefined(input);
    if (stats?.dev === output.dev && stats.ino === output.ino) {
      throw usageError(`${flag} ${path} is the input ${input}; it would be overwritten`, {
        option: flag,
        got: path,
        hint: `give ${flag} another name`,
      });
    }
  }
}

/** Whether `path` is `folder` or lies in it. */
export function liesIn(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return way === '' || (way !== '..' && !way.startsWith(`..${sep}`) && resolve(way) !== way);
}
