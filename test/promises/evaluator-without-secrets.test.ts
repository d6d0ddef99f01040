/** P2: the server and its evaluators cannot hold a secret key, and draw nothing at random. */
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { moduleClosure } from '../../scripts/release/module-closure.ts';

const root = path.join(import.meta.dirname, '../..');
const read = (file: string): string => readFileSync(path.join(root, file), 'utf8');

/** Crates that are linked into the addon. */
const crates = ['ring', 'ckks', 'plan', 'node'];

test('P2: what the server loads holds no module of the client and none that knows a secret key', () => {
  const entries = globSync('server/**/*.js', { cwd: path.join(root, 'dist') });
  const { modules } = moduleClosure(
    path.join(root, 'dist'),
    entries.map((file) => file.replace(/\.js$/, '')),
  );
  expect(modules).toContain('seal/ciphertext-blob');
  expect(modules.filter((name) => /^client\/|secret-key|switched-secret/.test(name))).toEqual([]);
});

/** Names under `[dependencies]`, those of builds and tests left out. */
function dependenciesOf(crate: string): string[] {
  const [, section = ''] = read(`native/${crate}/Cargo.toml`).split(/^\[dependencies\]$/m);
  return [...section.split(/^\[/m)[0]!.matchAll(/^([\w-]+)/gm)].map(([, name = '']) => name);
}

test('P2: nothing in the native evaluator draws random numbers', () => {
  const locked = new Map(
    read('native/Cargo.lock')
      .split('[[package]]')
      .slice(1)
      .map((text): [string, string[]] => {
        const [, list = ''] = /^dependencies = \[\n([^\]]*)\]/m.exec(text) ?? [];
        const names = [...list.matchAll(/"([\w-]+)/g)].map(([, name = '']) => name);
        return [/^name = "(.*)"$/m.exec(text)?.[1] ?? '', names];
      }),
  );
  const linked = new Set<string>();
  const waiting = crates.flatMap(dependenciesOf).filter((name) => !crates.includes(name));
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    if (linked.has(name)) continue;
    linked.add(name);
    waiting.push(...(locked.get(name) ?? []));
  }
  expect([...linked]).toEqual(
    expect.arrayContaining(['napi', 'rayon', 'memmap2', 'crossbeam-deque']),
  );
  expect([...linked].filter((name) => /rand|entropy|chacha/.test(name))).toEqual([]);
});

test('P2: no type, trait or function of the native evaluator is about a secret key', () => {
  const sources = crates.flatMap((crate) => globSync(`native/${crate}/src/**/*.rs`, { cwd: root }));
  expect(sources.length).toBeGreaterThan(20);
  const named = sources.filter((file) =>
    /\b(struct|enum|trait|type|fn)\s+\w*(secret|decrypt|sampl)/i.test(read(file)),
  );
  expect(named).toEqual([]);
});
