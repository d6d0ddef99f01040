/** The built modules that some entries need: what a package of them alone must hold. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';

export interface ModuleClosure {
  /** Modules by their path without a suffix, relative to the folder, sorted: `client/index`. */
  readonly modules: readonly string[];
  /** What they import that is not among them: packages and `node:` modules, sorted. */
  readonly external: readonly string[];
}

/** Workers, which bundlers find by this expression. */
const besideThis = /new URL\(\s*(['"])(\.{1,2}\/[^'"]+\.[jt]s)\1,\s*import\.meta\.url/g;

/**
 * Follow imports, of types too, from `entries` through the `.js` and `.d.ts` files of `folder`.
 *
 * Throws when a module is not built.
 */
export function moduleClosure(folder: string, entries: readonly string[]): ModuleClosure {
  const modules = new Set<string>();
  const external = new Set<string>();
  const waiting = [...entries];
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    if (modules.has(name)) continue;
    modules.add(name);
    for (const specifier of importsOf(folder, name)) {
      if (specifier.startsWith('.')) {
        waiting.push(path.posix.join(path.posix.dirname(name), withoutSuffix(specifier)));
      } else {
        external.add(specifier);
      }
    }
  }
  return { modules: [...modules].sort(), external: [...external].sort() };
}

function importsOf(folder: string, name: string): string[] {
  return ['.js', '.d.ts'].flatMap((suffix) => {
    const file = path.join(folder, name + suffix);
    if (!existsSync(file)) throw new Error(`${file} does not exist; run "npm run build" first`);
    const text = readFileSync(file, 'utf8');
    return [
      ...ts.preProcessFile(text).importedFiles.map(({ fileName }) => fileName),
      ...[...text.matchAll(besideThis)].map(([, , specifier = '']) => specifier),
    ];
  });
}

function withoutSuffix(specifier: string): string {
  return specifier.replace(/(\.d)?\.[jt]s$/, '');
}
