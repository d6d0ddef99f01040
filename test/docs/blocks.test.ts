import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { namedPages, pages, root } from './blocks/pages.ts';
import { faultsOf, readBlocks, runs } from './blocks/read-blocks.ts';

const blocksOf = (page: string) => readBlocks(readFileSync(path.join(root, page), 'utf8'));

const withBlocks = pages.filter((page) => blocksOf(page).length > 0);

test.each(withBlocks)('every block of %s runs or says why it does not', (page) => {
  expect(faultsOf(blocksOf(page))).toEqual([]);
});

test.each(withBlocks)('%s names the file of a block where readers see it', (page) => {
  const visible = readFileSync(path.join(root, page), 'utf8').replaceAll(/<!--.*?-->/gs, '');
  for (const { marker } of blocksOf(page)) {
    if (marker?.kind === 'file') expect(visible).toContain(`\`${marker.name}\``);
  }
});

test('what the table of pages names exists, and has blocks to run', () => {
  for (const page of namedPages) {
    expect(pages).toContain(page);
    expect(blocksOf(page).some(runs), page).toBe(true);
  }
});

test("the README's example is at most 15 lines", () => {
  const example = blocksOf('README.md').find(({ language }) => language === 'ts');
  expect(example?.text.split('\n').filter((line) => line.trim() !== '').length).toBeLessThanOrEqual(
    15,
  );
});

describe('blocks', () => {
  test('are read with language, line and marker, inside lists too', () => {
    const page = [
      'text',
      '```sh',
      'ls',
      '```',
      '',
      '<!-- not run: it takes a week -->',
      '',
      '1. item',
      '',
      '   <!-- file: a/b.json -->',
      '   ```json title',
      '   { "x":',
      '     1 }',
      '   ```',
      '<!-- prints: 7 -->',
      '~~~~ts',
      '```',
      '~~~~',
    ].join('\n');
    expect(readBlocks(page)).toEqual([
      { line: 2, language: 'sh', text: 'ls', marker: null },
      {
        line: 11,
        language: 'json',
        text: '{ "x":\n  1 }',
        marker: { kind: 'file', name: 'a/b.json' },
      },
      { line: 16, language: 'ts', text: '```', marker: { kind: 'prints', text: '7' } },
    ]);
    expect(() => readBlocks('```sh\nls')).toThrow('line 1');
  });

  test.each([
    ['```python\n1\n```', 'line 1: a block of "python" does not run'],
    ['```\npicture\n```', 'a block of "" does not run'],
    ['<!-- not run: -->\n```sh\n1\n```', 'without a reason'],
    ['<!-- file: ../x -->\n```ts\n1\n```', 'no file of the page'],
    ['<!-- output -->\n```text\n1\n```', 'does not follow'],
    ['<!-- prints: 1 -->\n```yaml\n1\n```', 'a block of "yaml" does not run'],
  ])('%j is at fault', (page, fault) => {
    expect(faultsOf(readBlocks(page))).toEqual([expect.stringContaining(fault)]);
  });
});
