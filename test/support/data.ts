/** The data sets that some tests need: models and images made by others. */
import { existsSync } from 'node:fs';
import path from 'node:path';

const root = process.env.CIPHERLOOM_DATA ?? path.join(import.meta.dirname, '../../../shared/data');

/** The folder of the data, or null where it is absent. Throws with CIPHERLOOM_REQUIRE_DATA=1. */
export function dataFolder(): string | null {
  if (existsSync(path.join(root, 'MANIFEST.md'))) return root;
  if (process.env.CIPHERLOOM_REQUIRE_DATA === '1') {
    throw new Error(`the data folder ${root} does not exist; CIPHERLOOM_DATA names another`);
  }
  return null;
}

/** A file or folder of the data, or null where the data is absent. */
export function dataPath(...parts: string[]): string | null {
  const folder = dataFolder();
  return folder === null ? null : path.join(folder, ...parts);
}
