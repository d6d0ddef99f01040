import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { spawnProgram } from './spawn-program.ts';

const program = fileURLToPath(new URL('./fixtures/collections.ts', import.meta.url));

async function collections(...words: readonly string[]): Promise<number> {
  const { status, stdout, stderr } = await spawnProgram(program, words);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return (JSON.parse(stdout) as { readonly collections: number }).collections;
}

// Node 24 has V8 13; what is asked for here is not there in every version.
test.runIf(process.versions.v8.startsWith('13.'))(
  'a server collects its heap less often while requests come and go',
  async () => {
    const [usual, fewer] = [await collections(), await collections('fewer')];
    expect(fewer).toBeLessThan(usual / 1.5);
  },
);
