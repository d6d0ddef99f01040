/** Pages whose blocks take seconds; altogether at most a minute. */
import { expect, test } from 'vitest';
import { pages, setupOf } from './blocks/pages.ts';
import { pagesThatRun, runPage } from './blocks/run-page.ts';

const cheap = pagesThatRun(pages).filter((page) => setupOf(page).tier === 'he');

test('there are such pages', () => {
  expect(cheap).toContain('README.md');
});

test.each(cheap)('the blocks of %s run as they stand there', (page) => {
  runPage(page);
});
