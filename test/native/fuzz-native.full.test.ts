/** A part of the native fuzzer; docs/fuzzing.md has the command and the figures of the whole. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const folder = fileURLToPath(new URL('../../native/', import.meta.url));
const cargo = spawnSync('cargo', ['--version']).status === 0;

test.skipIf(!cargo)('5,000 mutated ciphertexts, key bundles and plans each', () => {
  const given = ['run', '--release', '--quiet', '-p', 'cipherloom-fuzz', '--', '--count', '5000'];
  const { status, stdout, stderr } = spawnSync('cargo', given, { cwd: folder, encoding: 'utf8' });
  expect(status, stderr).toBe(0);
  const results: unknown[] = stdout
    .trim()
    .split('\n')
    .map((line): unknown => JSON.parse(line));
  expect(results).toMatchObject(
    ['ciphertext', 'keys', 'expanded', 'plan'].map((target) => ({
      target,
      count: 5000,
      failed: 0,
    })),
  );
});
