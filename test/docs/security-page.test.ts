/** docs/security.md: every promise has a test, and every test it names exists. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';

const root = path.join(import.meta.dirname, '../..');
const page = readFileSync(path.join(root, 'docs/security.md'), 'utf8');

interface Promised {
  readonly id: string;
  readonly tests: readonly (readonly [file: string, title: string])[];
}

const promises = [...page.matchAll(/^### (P\d+): .*\n([\s\S]*?)(?=^##)/gm)].map(
  ([, id = '', body = '']): Promised => ({
    id,
    tests: [...body.matchAll(/^- `(.+?)`: (.+)$/gm)].map(([, file = '', title = '']) => [
      file,
      title,
    ]),
  }),
);

test('P1 to P16 are there, in order', () => {
  expect(promises.map(({ id }) => id)).toEqual(Array.from({ length: 16 }, (_, n) => `P${n + 1}`));
});

describe.each(promises)('$id', ({ tests }) => {
  test('names a test', () => {
    expect(tests.length).toBeGreaterThan(0);
  });

  test.each(tests)('%s: %s', (file, title) => {
    expect(existsSync(path.join(root, file)), file).toBe(true);
    // Titles stand in quotes of one kind or the other, so quotes inside of them are left alone.
    expect(readFileSync(path.join(root, file), 'utf8')).toMatch(
      new RegExp(`['"\`]${title.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')}['"\`]`),
    );
  });
});
