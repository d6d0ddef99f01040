/** `npm run docs`: write the pages of docs/ that come from declarations. */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { generatedFolders, generatedPages, root } from './docs/generated-pages.ts';

const pages = await generatedPages();
for (const folder of generatedFolders) {
  mkdirSync(path.join(root, folder), { recursive: true });
  // A page whose declaration is gone goes with it.
  const wanted = new Set(pages.map((page) => page.path));
  for (const file of readdirSync(path.join(root, folder))) {
    if (!wanted.has(`${folder}/${file}`)) rmSync(path.join(root, folder, file));
  }
}
for (const page of pages) writeFileSync(path.join(root, page.path), page.text);
console.log(`${pages.length} pages in ${generatedFolders.join(', ')}`);
