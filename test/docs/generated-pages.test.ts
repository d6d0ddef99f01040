import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { generatedFolders, generatedPages, root } from '../../scripts/docs/generated-pages.ts';

const pages = await generatedPages();

describe('generated pages (npm run docs writes them)', () => {
  test.each(pages)('$path is up to date', ({ path: file, text }) => {
    expect(existsSync(path.join(root, file)), `${file} is missing: npm run docs`).toBe(true);
    expect(readFileSync(path.join(root, file), 'utf8')).toBe(text);
  });

  test.each(generatedFolders)('%s holds nothing else', (folder) => {
    const files = readdirSync(path.join(root, folder)).map((file) => `${folder}/${file}`);
    expect(files.sort()).toEqual(
      pages
        .map((page) => page.path)
        .filter((file) => file.startsWith(folder))
        .sort(),
    );
  });
});
