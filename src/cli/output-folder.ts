import {
  existsSync,
  mkdirSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { CipherloomError } from '../errors.ts';
import {
  checkWritableParent,
  liesIn,
  resolveOutput,
  statOrUndefined,
  unwritable,
} from './output-checks.ts';
import { registerCleanup, temporarySibling } from './temporary-paths.ts';
import { usageError } from './usage-error.ts';

/** The file that makes a folder a plan. */
export const planFileName = 'model.loom';

/** Files of a plan: replaced or removed with it. Anything else in the folder is the user's. */
export const planFileNames: readonly string[] = [
  planFileName,
  'client.json',
  'client.ts',
  'layouts.svg',
  'report.html',
  'report.json',
  'server.ts',
];

export interface OutputFolderOptions {
  /** The option that named the folder, for errors; default `--output`. */
  readonly flag?: string;
  /** Files that are read, which the output must not replace. */
  readonly inputs?: readonly string[];
  /** Write into a folder that holds files but no plan. */
  readonly force?: boolean;
}

/**
 * Refuse a folder that cannot be written, or that holds something other than a plan. Call it
 * before long work.
 *
 * Throws  USAGE, FILE_EXISTS, FILE_UNWRITABLE
 */
export function checkOutputFolder(path: string, options: OutputFolderOptions = {}): void {
  const { flag = '--output', inputs = [], force = false } = options;
  const target = resolveOutput(path);
  const stats = statOrUndefined(target);
  if (stats !== undefined && !stats.isDirectory()) {
    throw new CipherloomError('FILE_EXISTS', `${flag} ${path} is a file, not a folder`, {
      phase: 'cli',
      node: path,
      details: { option: flag, path },
      hint: `give ${flag} the name of a folder`,
    });
  }
  checkWritableParent(target, flag);
  if (stats === undefined) return;

  const entries = readEntries(target, path, flag);
  if (entries.length > 0 && !entries.includes(planFileName) && !force) {
    throw new CipherloomError(
      'FILE_EXISTS',
      `${flag} ${path} holds ${entries.length} files and no plan; nothing was written`,
      {
        phase: 'cli',
        node: path,
        details: { option: flag, path, entries: entries.slice(0, 8) },
        hint: `give ${flag} another folder, or --force to write the plan beside what is there`,
      },
    );
  }
  for (const input of inputs) {
    if (!existsSync(input)) continue;
    const real = realpathSync(input);
    if (planFileNames.includes(basename(real)) && dirname(real) === target) {
      throw usageError(`${flag} ${path} would overwrite the input ${input}`, {
        option: flag,
        got: path,
        hint: `give ${flag} another folder`,
      });
    }
  }
}

/**
 * Put the files of a plan into a folder, all or none.
 *
 * They are written to a folder beside it, which then takes its name. Files of the user that lay in
 * the old folder move over into the new one; old files of a plan go.
 *
 * Throws  USAGE, FILE_EXISTS, FILE_UNWRITABLE
 */
export function writeOutputFolder(
  path: string,
  files: ReadonlyMap<string, Uint8Array | string>,
  options: OutputFolderOptions = {},
): void {
  const { flag = '--output' } = options;
  checkOutputFolder(path, options);
  const target = resolveOutput(path);
  try {
    // A folder in which someone stands keeps its identity: its files are renamed one by one.
    if (statOrUndefined(target) !== undefined && liesIn(process.cwd(), target)) {
      replaceFiles(target, files);
    } else {
      replaceFolder(target, files);
    }
  } catch (cause) {
    if (cause instanceof CipherloomError) throw cause;
    throw unwritable(path, flag, cause);
  }
}

function readEntries(folder: string, path: string, flag: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch (cause) {
    throw unwritable(path, flag, cause);
  }
}

function replaceFolder(target: string, files: ReadonlyMap<string, Uint8Array | string>): void {
  const fresh = temporarySibling(target, 'tmp');
  using _remove = registerCleanup({ kind: 'remove', path: fresh });
  try {
    mkdirSync(fresh);
    for (const [name, data] of files) {
      mkdirSync(dirname(join(fresh, name)), { recursive: true });
      writeFileSync(join(fresh, name), data, { flag: 'wx', flush: true });
    }
    if (statOrUndefined(target) === undefined) {
      renameSync(fresh, target);
      return;
    }
    const old = temporarySibling(target, 'old');
    {
      using _restore = registerCleanup({ kind: 'restore', moved: old, to: target });
      renameSync(target, old);
      try {
        renameSync(fresh, target);
      } catch (error) {
        renameSync(old, target);
        throw error;
      }
    }
    // From here on the new plan stands; a crash leaves what is the user's in the folder `old`.
    for (const name of readdirSync(old)) {
      if (planFileNames.includes(name) || files.has(name)) {
        rmSync(join(old, name), { recursive: true });
      } else {
        moveInto(join(old, name), join(target, name));
      }
    }
    rmdirSync(old);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

/** Move a file or folder of the user's; where the plan has a folder of that name, merge into it. */
function moveInto(from: string, to: string): void {
  if (!existsSync(to)) {
    renameSync(from, to);
    return;
  }
  for (const name of readdirSync(from)) {
    if (existsSync(join(to, name))) rmSync(join(from, name), { recursive: true });
    else moveInto(join(from, name), join(to, name));
  }
  rmdirSync(from);
}

function replaceFiles(target: string, files: ReadonlyMap<string, Uint8Array | string>): void {
  const fresh = temporarySibling(join(target, 'plan'), 'tmp');
  using _remove = registerCleanup({ kind: 'remove', path: fresh });
  try {
    mkdirSync(fresh);
    for (const [name, data] of files) {
      mkdirSync(dirname(join(fresh, name)), { recursive: true });
      writeFileSync(join(fresh, name), data, { flag: 'wx', flush: true });
    }
    // The plan itself last: until then the folder still has its old one, whole.
    const names = [...files.keys()].sort(
      (a, b) => Number(a === planFileName) - Number(b === planFileName),
    );
    for (const name of planFileNames) {
      if (!files.has(name)) rmSync(join(target, name), { force: true });
    }
    for (const name of names) {
      mkdirSync(dirname(join(target, name)), { recursive: true });
      renameSync(join(fresh, name), join(target, name));
    }
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}
