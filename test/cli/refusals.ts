/** Command lines that must fail: what they print, and that they lose nothing. */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { ErrorCode } from '../../src/errors.ts';
import type { ErrorObject } from './commands/example-plans.ts';
import { launcher, spawnProgram } from './spawn-program.ts';

type Bytes = Uint8Array<ArrayBuffer>;

/** A command line, its error code, and what the message has to tell. */
export type Case = readonly [
  words: readonly string[],
  code: ErrorCode,
  tells: string | RegExp,
  expected?: Partial<ErrorObject>,
];

/** A line of a stack trace. */
export const stackLine = /\bat [^\n]*(\.[cm]?[jt]s|node:[a-z_/]+):\d+|node_modules/;

/** Files in a temporary folder, and command lines over them. The folder `tmp` in it must exist. */
export function refusals(folder: () => string) {
  const at = (...names: readonly string[]) => join(folder(), ...names);
  const read = (...names: readonly string[]): Bytes => new Uint8Array(readFileSync(at(...names)));

  /** Put a file into the folder of the test; its path. */
  function put(name: string, content: Uint8Array | string): string {
    mkdirSync(join(at(name), '..'), { recursive: true });
    writeFileSync(at(name), content);
    return at(name);
  }

  /** Every file of the test with the SHA-256 of its content. */
  function snapshot(): Record<string, string> {
    const names = readdirSync(folder(), { recursive: true }).map(String).sort();
    return Object.fromEntries(names.map((name) => [name, fingerprint(at(name))]));
  }

  /** Run a command line that must fail: its one error, as `--json` prints it. */
  async function errorOf(words: readonly string[]): Promise<ErrorObject> {
    const ended = await spawnProgram(launcher, [...words, '--json'], {
      env: { TMPDIR: at('tmp') },
    });
    const { status, signal, stdout, stderr } = ended;
    expect({ signal, stdout, lines: stderr.split('\n').length }).toEqual({
      signal: null,
      stdout: '',
      lines: 2,
    });
    expect(stderr).not.toMatch(stackLine);
    const error = JSON.parse(stderr) as Omit<ErrorObject, 'status'>;
    expect(Object.keys(error)).toEqual(['code', 'phase', 'node', 'message', 'details', 'hint']);
    return { status, ...error };
  }

  /**
   * Each command line is refused with the exit status of its code, and tells what it should; together
   * they change, add and leave no file.
   */
  async function refuses(status: number, cases: readonly Case[]): Promise<void> {
    const before = snapshot();
    const left = [...cases];
    const work = async () => {
      for (let next = left.shift(); next !== undefined; next = left.shift()) {
        const [words, code, tells, expected = {}] = next;
        const error = await errorOf(words);
        const what = words.join(' ').replaceAll(folder(), '…');
        expect({ status: error.status, code: error.code }, what).toEqual({ status, code });
        if (typeof tells === 'string') expect(error.message, what).toContain(tells);
        else expect(error.message, what).toMatch(tells);
        expect(error, what).toMatchObject(expected);
        if (expected.hint === undefined) expect(error.hint, what).toMatch(/\w/);
      }
    };
    // Two at a time: starting Node is most of it.
    await Promise.all([work(), work()]);
    expect(snapshot()).toEqual(before);
  }

  return { at, put, read, snapshot, refuses };
}

/** What a path holds; large files, pipes and links by their size and kind alone. */
function fingerprint(path: string): string {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return 'nothing';
  if (stats.isDirectory()) return 'folder';
  if (!stats.isFile() || stats.size > 2 ** 28) return `${stats.size} bytes`;
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}
