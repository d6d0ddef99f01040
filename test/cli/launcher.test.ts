import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { launcher, spawnProgram } from './spawn-program.ts';

const root = new URL('../../', import.meta.url);
const engines = (
  JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as {
    engines: { node: string };
  }
).engines.node;
const version = (
  JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as { version: string }
).version;

/** A Node on the path, outside node_modules, that is older than what package.json asks for. */
function findOldNode(): string | undefined {
  const needed = /^>=(\d+)\.(\d+)$/.exec(engines)!.slice(1).map(Number);
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const node = join(folder, 'node');
    if (!existsSync(node) || realpathSync(node).includes('node_modules')) continue;
    const found = execFileSync(node, ['-p', 'process.versions.node'], { encoding: 'utf8' });
    const [major = 0, minor = 0] = found.split('.').map(Number);
    if (major < needed[0]! || (major === needed[0] && minor < needed[1]!)) return node;
  }
  return undefined;
}

const oldNode = findOldNode();

test('the launcher asks for the version that package.json states', () => {
  const needed = /var needed = \[(\d+), (\d+)\]/.exec(readFileSync(launcher, 'utf8'))!;
  expect(`>=${needed[1]!}.${needed[2]!}`).toBe(engines);
});

test('the present Node runs the program itself', async () => {
  const ended = await spawnProgram(launcher, ['--version']);
  expect(ended).toEqual({ status: 0, signal: null, stdout: `${version}\n`, stderr: '' });
});

describe.skipIf(oldNode === undefined)('under an older Node', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'cipherloom-launcher-'));
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });
  const run = (file: string, ...words: string[]) => spawnProgram(file, words, { node: oldNode! });

  test('results, standard error and exit statuses pass through', async () => {
    expect(await run(launcher, '--version')).toMatchObject({
      status: 0,
      stdout: `${version}\n`,
      stderr: '',
    });
    const wrong = await run(launcher, 'explain', '--batch', 'abc');
    expect(wrong.status).toBe(2);
    expect(wrong.stderr).toContain('--batch');
    expect(wrong.stdout).toBe('');
  });

  /** A checkout with a program of its own and, if asked, the Node of the dev dependency. */
  function checkout(name: string, main: string, withNode: boolean): string {
    const copy = join(folder, name);
    mkdirSync(join(copy, 'dist/cli'), { recursive: true });
    cpSync(new URL('bin', root), join(copy, 'bin'), { recursive: true });
    execFileSync(process.execPath, [
      '-e',
      `require('fs').writeFileSync(process.argv[1], process.argv[2])`,
      join(copy, 'dist/cli/main.js'),
      main,
    ]);
    if (withNode) {
      mkdirSync(join(copy, 'node_modules/node/bin'), { recursive: true });
      cpSync(process.execPath, join(copy, 'node_modules/node/bin/node'));
    }
    return join(copy, 'bin/cipherloom');
  }

  test('without a newer Node in the checkout, one line names the version needed', async () => {
    const ended = await run(checkout('no node', 'console.log(1)', false), '--version');
    expect(ended.status).toBe(2);
    expect(ended.stdout).toBe('');
    expect(ended.stderr).toMatch(
      /^cipherloom needs Node 24\.15 or later; this is \d+\.\d+\.\d+\n$/,
    );
  });

  test('signals reach the program, whose answer becomes the exit status', async () => {
    const main = `
      process.on('SIGTERM', () => process.exit(42));
      setInterval(() => {}, 1000);
      console.log('ready');`;
    const file = checkout('signal', main, true);
    const ended = await spawnProgram(file, [], {
      node: oldNode!,
      during: (child) => {
        child.stdout!.once('data', () => child.kill('SIGTERM'));
      },
    });
    expect(ended).toMatchObject({ status: 42, signal: null, stdout: 'ready\n' });
  });

  test('a program that dies of a signal takes the launcher along', async () => {
    const file = checkout(
      'death',
      `process.kill(process.pid, 'SIGKILL'); setInterval(() => {}, 1000);`,
      true,
    );
    expect(await run(file)).toMatchObject({ status: null, signal: 'SIGKILL' });
  });
});
