/** Every generated page, as it should stand in docs/. */
import path from 'node:path';
import { format, resolveConfig } from 'prettier';
import { apiPages } from './api-pages.ts';
import { cliPage } from './cli-page.ts';
import { dslPage } from './dsl-page.ts';
import { errorPage } from './error-page.ts';
import { inspectPage } from './inspect-page.ts';
import { operatorPages } from './operator-pages.ts';
import type { Page } from './page.ts';
import { passPages } from './pass-pages.ts';

export const root = path.join(import.meta.dirname, '../..');

/** Folders that hold generated pages and nothing else. */
export const generatedFolders: readonly string[] = ['docs/api', 'docs/operators', 'docs/passes'];

export async function generatedPages(): Promise<Page[]> {
  const config = await resolveConfig(path.join(root, 'docs/page.md'));
  return Promise.all(
    [
      ...apiPages(),
      await cliPage(),
      ...operatorPages(),
      ...passPages(),
      dslPage(),
      errorPage(),
      inspectPage(),
    ].map(async (page) => ({
      ...page,
      text: await format(page.text, { ...config, parser: 'markdown' }),
    })),
  );
}
