/** The example on the README's first screen runs as it stands there. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');

it('the example of the README decrypts the first test image to a 7', { timeout: 300_000 }, () => {
  const [, source = ''] =
    /```ts\n([\s\S]*?)```/.exec(readFileSync(join(root, 'README.md'), 'utf8')) ?? [];
  expect(source.split('\n').filter((line) => line.trim() !== '').length).toBeLessThanOrEqual(15);
  // Inside the package, so that `cipherloom` resolves to this checkout as it would to an installation.
  const folder = mkdtempSync(join(root, '.readme-'));
  try {
    writeFileSync(join(folder, 'example.ts'), source);
    const output = execFileSync(process.execPath, [join(folder, 'example.ts')], {
      cwd: root,
      encoding: 'utf8',
    });
    expect(output.trim()).toBe('7');
  } finally {
    rmSync(folder, { recursive: true });
  }
});
