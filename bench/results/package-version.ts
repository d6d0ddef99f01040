/** Version of a package as Node resolves it. */
import { readFileSync } from 'node:fs';
import { findPackageJSON } from 'node:module';

export function packageVersion(name: string): string {
  const file = findPackageJSON(name, import.meta.url);
  if (file === undefined) throw new Error(`package ${name} is not installed`);
  return (JSON.parse(readFileSync(file, 'utf8')) as { readonly version: string }).version;
}
