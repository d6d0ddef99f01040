/** Pages whose blocks take minutes. */
import { test } from 'vitest';
import { pages, setupOf } from './blocks/pages.ts';
import { pagesThatRun, runPage } from './blocks/run-page.ts';

const long = pagesThatRun(pages).filter((page) => setupOf(page).tier === 'full');

test.each(long)('the blocks of %s run as they stand there', (page) => {
  runPage(page);
});
