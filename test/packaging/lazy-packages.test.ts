/** Importing the package loads no more than everybody needs: large libraries wait for their first use. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { spawnSync } from 'node:child_process';

const root = path.join(import.meta.dirname, '../..');
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'cipherloom-lazy-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** Packages of node_modules that a program loads, sorted. */
function packagesOf(...words: readonly string[]): string[] {
  const file = path.join(folder, 'packages');
  rmSync(file, { force: true });
  const recorder = path.join(import.meta.dirname, 'record-packages.mjs');
  const ended = spawnSync(process.execPath, words, {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, NODE_OPTIONS: `--import=${recorder}`, LOADED_PACKAGES: file },
  });
  expect(ended.status, ended.stderr).toBe(0);
  const names = existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
  return [...new Set(names)].sort();
}

/** Loading what an entry of the package stands for, by its name. */
function imported(entry: string): string[] {
  return packagesOf('--input-type=module', '--eval', `await import('${entry}');`);
}

test('the recorder sees what is loaded, by require too', () => {
  expect(imported('zod')).toEqual(['zod']);
  expect(imported('fastify')).toEqual(expect.arrayContaining(['fastify', 'toad-cache']));
});

test('cipherloom/client loads node-seal alone', () => {
  expect(imported('cipherloom/client')).toEqual(['node-seal']);
});

// Options are zod schemas and models are protobuf: what nearly every use of these needs.
const light = ['node-seal', 'zod', 'protobufjs', 'onnx-proto', 'long'];

test.each(['cipherloom', 'cipherloom/server', 'cipherloom/dsl', 'cipherloom/ir'])(
  '%s loads neither the code generator nor image decoders, HTTP and queue',
  (entry) => {
    const loaded = imported(entry).filter((name) => !name.startsWith('@protobufjs/'));
    expect(light).toEqual(expect.arrayContaining(loaded));
  },
);

test.each(['--help', 'compile --help', 'serve --help', 'worker --help'])(
  'cipherloom %s loads neither the code generator nor image decoders, HTTP and queue',
  (line) => {
    const loaded = packagesOf('bin/cipherloom', ...line.split(' '));
    const heavy = loaded.filter((name) =>
      /^(ts-morph|@ts-morph|typescript|fastify|@fastify|@nats-io|@jsquash|vega|sharp)/.test(name),
    );
    expect(loaded).toContain('zod');
    expect(heavy).toEqual([]);
  },
);
