import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { frameProgram, spawnProgram, type SpawnOptions } from './spawn-program.ts';

const frame = (...words: string[]) => spawnProgram(frameProgram, words);
const frameWith = (options: SpawnOptions, ...words: string[]) =>
  spawnProgram(frameProgram, words, options);

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cipherloom frame ü-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

interface ErrorObject {
  code: string;
  phase: string | null;
  node: string | null;
  message: string;
  details: Record<string, unknown>;
  hint: string | null;
}

/** The error of a command line with --json: one object on stderr, nothing on stdout. */
async function jsonError(...words: string[]): Promise<ErrorObject & { status: number | null }> {
  const { status, stdout, stderr } = await frame(...words, '--json');
  expect(stdout).toBe('');
  expect(stderr.trim().split('\n')).toHaveLength(1);
  const error = JSON.parse(stderr) as ErrorObject;
  expect(Object.keys(error)).toEqual(['code', 'phase', 'node', 'message', 'details', 'hint']);
  return { ...error, status };
}

describe('a usage error', () => {
  test.each([
    [['options', 'x', '--batch', 'abc'], '--batch'],
    [['options', 'x', '--batch'], '--batch'],
    [['options', 'x', '--btach', '1'], '--btach'],
    [['options'], 'FIRST'],
  ])('%j is exit status 2 and names the option', async (words, named) => {
    const error = await jsonError(...words);
    expect(error).toMatchObject({ status: 2, code: 'USAGE', phase: 'cli', node: named });
    expect(error.message).toContain(named);
  });

  test('in the name of a command is answered with the nearest', async () => {
    const error = await jsonError('optoins');
    expect(error).toMatchObject({ status: 2, code: 'USAGE' });
    expect(error.hint).toContain('cipherloom options');
  });

  test.each([[[]], [['--frob']], [['--frob', 'options']], [['']]])(
    'without a command, %j, is exit status 2',
    async (words) => {
      expect(await jsonError(...words)).toMatchObject({ status: 2, code: 'USAGE' });
    },
  );
});

describe('errors', () => {
  test('as text have code, place, numbers, a way out, and obey no escape sequence', async () => {
    const { status, stdout, stderr } = await frame('throw-user');
    expect(status).toBe(4);
    expect(stdout).toBe('');
    expect(stderr.split('\n')).toEqual([
      'error[LEVELS_EXHAUSTED]: node "Gemm_7\\x1b[31m" needs 9 levels',
      '  --> Gemm_7\\x1b[31m     phase: ckks',
      '  have = 7, need = 9',
      '  help: --activation-degree 7',
      '  explain: cipherloom explain LEVELS_EXHAUSTED',
      '',
    ]);
  });

  test('as JSON keep their details', async () => {
    expect(await jsonError('throw-user')).toMatchObject({
      status: 4,
      code: 'LEVELS_EXHAUSTED',
      phase: 'ckks',
      details: { have: 7, need: 9, chain: ['a'], big: String(2n ** 70n) },
      hint: '--activation-degree 7',
    });
  });

  test.each(['throw-internal', 'throw-type-error', 'throw-string', 'reject-later'])(
    '%s is a bug of ours: exit status 1, no stack unless asked',
    async (command) => {
      const { status, stderr } = await frame(command);
      expect(status).toBe(1);
      expect(stderr).toMatch(/^error\[INTERNAL\]: /);
      expect(stderr).toContain('bug');
      expect(stderr).not.toMatch(/^ +at /m);
    },
  );

  test('CIPHERLOOM_DEBUG shows the stack of the cause', async () => {
    const { stderr } = await frameWith({ env: { CIPHERLOOM_DEBUG: '1' } }, 'throw-type-error');
    expect(stderr).toMatch(/TypeError: x is not a function\n +at /);
  });

  test('an impossible allocation is a resource limit', async () => {
    expect(await jsonError('allocate')).toMatchObject({ status: 7, code: 'RESOURCE_LIMIT' });
  });
});

describe('output', () => {
  test('of a library does not reach stdout', async () => {
    expect(await frame('noisy', '--json')).toMatchObject({
      stdout: '{"done":true,"warnings":[]}\n',
      stderr: '',
    });
    const text = await frame('noisy');
    expect(text.stdout).toBe('done\n');
  });

  test('a handle left open does not keep the process', async () => {
    expect(await frame('handle-left-open')).toMatchObject({ status: 0, stdout: 'done\n' });
  });

  test('a miss prints its result and has its exit status', async () => {
    expect(await frame('miss')).toMatchObject({ status: 5, stdout: 'done\n', stderr: '' });
  });

  test('warnings go to stderr, or into the object, unless silenced', async () => {
    const text = await frame('warn', '--silence', 'CALIBRATION_SMALL');
    expect(text.stderr).toBe('warning[INPUT_RANGE_ASSUMED]: assumed [0, 1]\n  --> image\n');
    const { stdout, stderr } = await frame('warn', '--json');
    expect(stderr).toBe('');
    expect((JSON.parse(stdout) as { warnings: unknown[] }).warnings).toEqual([
      { id: 'INPUT_RANGE_ASSUMED', message: 'assumed [0, 1]', node: 'image' },
      { id: 'CALIBRATION_SMALL', message: '3 images' },
    ]);
  });

  test('a closed pipe is no error', async () => {
    const ended = await frameWith({ during: (child) => child.stdout!.destroy() }, 'long');
    expect(ended).toMatchObject({ status: 0, signal: null, stderr: '' });
  });

  test('progress comes in sparse lines where stderr is no terminal, and not with --quiet or --json', async () => {
    const { stdout, stderr } = await frame('slow');
    expect(stdout).toBe('done\n');
    expect(stderr).toMatch(/^first step 1\/7 \(\d\.\d s\)\nsecond step \(\d\.\d s\)\n$/);
    for (const option of ['--quiet', '--json']) {
      expect((await frame('slow', option)).stderr, option).toBe('');
    }
  });
});

describe('an output file', () => {
  test('is refused where it is the input, by any name', async () => {
    const input = join(folder, 'in');
    writeFileSync(input, 'precious');
    linkSync(input, join(folder, 'hard'));
    symlinkSync(input, join(folder, 'soft'));
    for (const output of ['in', 'hard', 'soft', './../' + folder.split('/').at(-1)! + '/in']) {
      const error = await jsonError('copy', input, '-o', join(folder, output));
      expect(error, output).toMatchObject({ status: 2, code: 'USAGE' });
      expect(error.message).toContain('--output');
      expect(readFileSync(input, 'utf8')).toBe('precious');
    }
  });

  test.each([
    ['in an absent folder', 'absent/out', 'does not exist'],
    ['under a file', 'in/out', 'is not a folder'],
    ['that is a folder', 'sub', 'is a folder, not a file'],
  ])('%s is refused by its path', async (_, output, message) => {
    writeFileSync(join(folder, 'in'), 'x');
    mkdirSync(join(folder, 'sub'));
    const error = await jsonError('copy', join(folder, 'in'), '-o', join(folder, output));
    expect(error).toMatchObject({ status: 3, code: 'FILE_UNWRITABLE', node: join(folder, output) });
    expect(error.message).toContain(message);
  });

  test.skipIf(process.getuid?.() === 0)(
    'in a read-only folder is refused (not as root)',
    async () => {
      mkdirSync(join(folder, 'read-only'));
      chmodSync(join(folder, 'read-only'), 0o555);
      const error = await jsonError('copy', 'x', '-o', join(folder, 'read-only/out'));
      expect(error).toMatchObject({ status: 3, code: 'FILE_UNWRITABLE' });
    },
  );

  test.skipIf(!existsSync('/proc/self'))(
    'in a folder of the kernel is refused by its path',
    async () => {
      const error = await jsonError('copy', 'x', '-o', '/proc/self/out');
      expect(error).toMatchObject({ status: 3, code: 'FILE_UNWRITABLE', node: '/proc/self/out' });
    },
  );

  test.skipIf(!existsSync('/dev/full'))('on a full disk is an error of the disk', async () => {
    const error = await jsonError('copy', 'x', '-o', '/dev/full');
    expect(error).toMatchObject({ status: 3, code: 'FILE_UNWRITABLE' });
    expect(error.message).toContain('ENOSPC');
    expect(existsSync('/dev/full')).toBe(true);
  });

  test('replaces an empty file, follows a link, takes a device', async () => {
    writeFileSync(join(folder, 'empty'), '');
    symlinkSync(join(folder, 'empty'), join(folder, 'link'));
    expect(await frame('copy', 'x', '-o', join(folder, 'link'))).toMatchObject({ status: 0 });
    expect(readFileSync(join(folder, 'empty'), 'utf8')).toBe('new');
    expect(await frame('copy', 'x', '-o', '/dev/null')).toMatchObject({ status: 0 });
    expect(readdirSync(folder).sort()).toEqual(['empty', 'link']);
  });

  test('is untouched when what makes it fails', async () => {
    const output = join(folder, 'out');
    writeFileSync(output, 'old');
    expect(await frame('write-and-fail', '-o', output)).toMatchObject({ status: 7 });
    expect(readFileSync(output, 'utf8')).toBe('old');
    expect(readdirSync(folder)).toEqual(['out']);
  });

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('is untouched after %s in the middle, exit status %i', async (signal, status) => {
    const output = join(folder, 'out');
    writeFileSync(output, 'old');
    const ended = await frameWith(
      {
        during: (child) => {
          // Once the temporary file stands beside the old one, the command blocks its thread.
          const watch = setInterval(() => {
            if (readdirSync(folder).length < 2) return;
            clearInterval(watch);
            child.kill(signal);
          }, 20);
        },
      },
      'write-slowly',
      '-o',
      output,
    );
    expect(ended).toMatchObject({ status, signal: null, stderr: '' });
    expect(readFileSync(output, 'utf8')).toBe('old');
    expect(readdirSync(folder)).toEqual(['out']);
  });
});

describe('an output folder', () => {
  const plan = (...words: string[]) => frame('plan', ...words);
  const files = (path: string) => readdirSync(path, { recursive: true }).map(String).sort();
  const written = ['client.json', 'ir', join('ir', '01.ir'), 'model.loom'];

  test('is made, and made again in place of its old plan, with the files of the user kept', async () => {
    const output = join(folder, 'out');
    expect(await plan('x', '-o', output)).toMatchObject({ status: 0, stderr: '' });
    expect(files(output)).toEqual(written);
    writeFileSync(join(output, 'model.loom'), 'older');
    writeFileSync(join(output, 'report.html'), 'stale');
    mkdirSync(join(output, 'keys'));
    writeFileSync(join(output, 'keys/secret.key'), 'secret');
    writeFileSync(join(output, 'ir/notes'), 'mine');
    expect(await plan('x', '-o', output)).toMatchObject({ status: 0, stderr: '' });
    expect(files(output)).toEqual(
      [...written, 'keys', join('keys', 'secret.key'), join('ir', 'notes')].sort(),
    );
    expect(readFileSync(join(output, 'model.loom'), 'utf8')).toBe('new plan');
    expect(readdirSync(folder)).toEqual(['out']);
  });

  test('that holds something else needs --force, which loses nothing', async () => {
    const output = join(folder, 'out');
    mkdirSync(output);
    writeFileSync(join(output, 'thesis'), 'years');
    const error = await jsonError('plan', 'x', '-o', output);
    expect(error).toMatchObject({ status: 2, code: 'FILE_EXISTS' });
    expect(error.hint).toContain('--force');
    expect(files(output)).toEqual(['thesis']);
    expect(await plan('x', '-o', output, '--force')).toMatchObject({ status: 0 });
    expect(files(output)).toEqual([...written, 'thesis']);
  });

  test('that is empty, the present folder, or behind a link is filled', async () => {
    const output = join(folder, 'out');
    mkdirSync(output);
    symlinkSync(output, join(folder, 'link'));
    expect(await plan('x', '-o', join(folder, 'link'))).toMatchObject({ status: 0 });
    expect(files(output)).toEqual(written);
    const here = await frameWith({ cwd: output }, 'plan', 'x', '-o', '.');
    expect(here).toMatchObject({ status: 0, stderr: '' });
    expect(files(output)).toEqual(written);
    expect(readdirSync(folder).sort()).toEqual(['link', 'out']);
  });

  test('that is a file, or holds the input under a name of the plan, is refused', async () => {
    const input = join(folder, 'model.loom');
    writeFileSync(input, 'old plan');
    expect(await jsonError('plan', 'x', '-o', input)).toMatchObject({
      status: 2,
      code: 'FILE_EXISTS',
    });
    expect(await jsonError('plan', input, '-o', folder)).toMatchObject({
      status: 2,
      code: 'USAGE',
    });
    expect(readFileSync(input, 'utf8')).toBe('old plan');
  });

  test('under an absent folder is refused before anything is written', async () => {
    const error = await jsonError('plan', 'x', '-o', join(folder, 'a/b'));
    expect(error).toMatchObject({ status: 3, code: 'FILE_UNWRITABLE' });
    expect(readdirSync(folder)).toEqual([]);
  });
});
