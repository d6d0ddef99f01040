/** P16: readers meet what is not promised where they meet what is. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { reportPage } from '../../src/cli/report/report-page.ts';
import { exampleFacts } from '../cli/report/page-facts.ts';

const root = path.join(import.meta.dirname, '../..');
const page = (file: string) => () => readFileSync(path.join(root, file), 'utf8');

test.each<[string, () => string | Promise<string>]>([
  ['the README', page('README.md')],
  ['docs/security.md', page('docs/security.md')],
  ['the report of a plan', async () => reportPage(await exampleFacts('lola'))],
])('P16: %s says it', async (_name, text) => {
  const [, after = ''] = (await text()).split(/what is not promised(?!.*what is not promised)/is);
  for (const limit of [
    /circuit privacy/i,
    /server/,
    /chosen-ciphertext/i,
    /IND-CPA-D/,
    /side channels/i,
  ]) {
    expect(after).toMatch(limit);
  }
});
