/** Links between the pages of the documentation lead somewhere, and every page is linked from the index. */
import { existsSync, globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { pages, root } from './blocks/pages.ts';

const read = (page: string): string => readFileSync(path.join(root, page), 'utf8');

/** Targets of relative links, without their anchors. */
function linksOf(page: string): string[] {
  const prose = read(page).replaceAll(/```[\s\S]*?```|`[^`\n]*`/g, '');
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = '']) => target)
    .filter((target) => !/^(https?:|mailto:|#)/.test(target))
    .map((target) => path.normalize(path.join(path.dirname(page), target.replace(/#.*/, ''))));
}

test.each(pages.filter((page) => linksOf(page).length > 0))(
  '%s: every link leads to a file',
  (page) => {
    expect(linksOf(page).filter((target) => !existsSync(path.join(root, target)))).toEqual([]);
  },
);

test('docs/README.md links every page that no other index does', () => {
  const linked = new Set(linksOf('docs/README.md'));
  const single = globSync(['docs/*.md', 'docs/tutorials/*.md'], { cwd: root });
  expect(single.filter((page) => page !== 'docs/README.md' && !linked.has(page))).toEqual([]);
});
