/** A copy of the checkout's sources, for pages that change them. */
import { cpSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import path from 'node:path';

const root = path.join(import.meta.dirname, '../../..');

/** Large, built, or nobody's sources. */
const left = new Set(['.git', 'node_modules', 'native', 'out', 'coverage', 'test-results']);

/** Fill the folder with the checkout, dependencies by link. */
export function copyCheckout(folder: string): void {
  for (const name of readdirSync(root)) {
    if (!left.has(name))
      cpSync(path.join(root, name), path.join(folder, name), { recursive: true });
  }
  // Instead of the page's own: vitest and its kind, from the checkout.
  rmSync(path.join(folder, 'node_modules'), { recursive: true });
  symlinkSync(path.join(root, 'node_modules'), path.join(folder, 'node_modules'), 'dir');
}
