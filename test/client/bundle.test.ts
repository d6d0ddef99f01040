import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildBrowser } from '../../scripts/build-browser.ts';

const limit = 150_000;

let folder: string;
const scripts = (): { readonly name: string; readonly text: string }[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.js'))
    .map((name) => ({ name, text: readFileSync(join(folder, name), 'utf8') }));

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'cipherloom-bundle-'));
  await buildBrowser(folder);
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

test(`page and worker are at most ${limit} bytes with gzip, without SEAL's WebAssembly`, () => {
  const sizes = scripts().map(({ name, text }) => [name, gzipSync(text).length] as const);
  expect(sizes.some(([name]) => name.includes('worker'))).toBe(true);
  const total = sizes.reduce((sum, [, bytes]) => sum + bytes, 0);
  expect(total, JSON.stringify(sizes)).toBeLessThan(limit);
  // Without the worker's key generation this would be an empty promise.
  expect(total).toBeGreaterThan(10_000);
});

test('nothing in them evaluates text, which a strict Content-Security-Policy forbids', () => {
  for (const { name, text } of scripts()) {
    expect(text.match(/\beval\(|new Function\b|\bFunction\(/g), name).toBeNull();
  }
});

test("SEAL's WebAssembly lies beside them under a name of its own", () => {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  const wasm = files.filter((name) => name.endsWith('.wasm'));
  expect(wasm.length).toBe(1);
  const base = wasm[0]!.split('/').at(-1)!;
  expect(scripts().some(({ text }) => text.includes(base))).toBe(true);
});
