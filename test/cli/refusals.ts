/** Command lines that must fail: what they print, and that they lose nothing. */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect } from 'vitest';
import type { ErrorCode } from '../../src/errors.ts';
import type { ErrorObject } from './commands/example-plans.ts';
import { launcher, spawnProgram, type Ended } from './spawn-program.ts';
import { warmProgram, type WarmProgram } from './warm-program.ts';

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

  let warm: WarmProgram | null = null;
  afterAll(() => warm?.[Symbol.asyncDispose]());

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

  /** The one error of a command line that must fail, as `--json` prints it. */
  function errorOf({ status, stdout, stderr }: Omit<Ended, 'signal'>): ErrorObject {
    expect({ stdout, lines: stderr.split('\n').length }).toEqual({ stdout: '', lines: 2 });
    expect(stderr).not.toMatch(stackLine);
    const error = JSON.parse(stderr) as Omit<ErrorObject, 'status'>;
    expect(Object.keys(error)).toEqual(['code', 'phase', 'node', 'message', 'details', 'hint']);
    return { status, ...error };
  }

  /**
   * Each command line is refused with the exit status of its code, and tells what it should; together
   * they change, add and leave no file.
   *
   * The first is the program of the terminal, to its end; the others run without a terminal in one
   * process, since starting Node would be most of their time.
   */
  async function refuses(status: number, cases: readonly Case[]): Promise<void> {
    const before = snapshot();
    const env = { TMPDIR: at('tmp') };
    const check = ([words, code, tells, expected = {}]: Case, ended: Omit<Ended, 'signal'>) => {
      const what = words.join(' ').replaceAll(folder(), '…');
      const error = errorOf(ended);
      expect({ status: error.status, code: error.code }, what).toEqual({ status, code });
      if (typeof tells === 'string') expect(error.message, what).toContain(tells);
      else expect(error.message, what).toMatch(tells);
      expect(error, what).toMatchObject(expected);
      if (expected.hint === undefined) expect(error.hint, what).toMatch(/\w/);
    };
    const [first, ...others] = cases;
    const whole = async () => {
      const ended = await spawnProgram(launcher, [...first![0], '--json'], { env });
      expect(ended.signal).toBeNull();
      check(first!, ended);
    };
    const rest = async () => {
      for (const entry of others) {
        warm ??= warmProgram(env);
        check(entry, await warm.run([...entry[0], '--json']));
      }
    };
    await Promise.all([whole(), rest()]);
    expect(snapshot()).toEqual(before);
  }

  return { at, put, read, snapshot, refuses };
}

/** Contents that were read, by the file's identity and the times at which it was last touched. */
const known = new Map<string, string>();

/** What a path holds; large files, pipes and links by their size and kind alone. */
function fingerprint(path: string): string {
  const stats = statSync(path, { throwIfNoEntry: false, bigint: true });
  if (stats === undefined) return 'nothing';
  if (stats.isDirectory()) return 'folder';
  if (!stats.isFile() || stats.size > 2 ** 28) return `${stats.size} bytes`;
  const { dev, ino, size, mtimeNs, ctimeNs } = stats;
  const state = [dev, ino, size, mtimeNs, ctimeNs].join();
  const hash = known.get(state) ?? createHash('sha256').update(readFileSync(path)).digest('hex');
  known.set(state, hash);
  return hash;
}
