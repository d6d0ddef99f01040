/** `cipherloom-client`: the entries `cipherloom/client…` as a package of their own. */
import { cpSync } from 'node:fs';
import path from 'node:path';
import type { PackageManifest } from './manifests.ts';
import { moduleClosure } from './module-closure.ts';

/** The one package that the client stands on. */
const cryptography = 'node-seal';

interface Entry {
  readonly types: string;
  readonly default: string;
}

export interface ClientPackage {
  readonly manifest: Readonly<Record<string, unknown>>;
  /** Files of the checkout and where they lie in the package. */
  readonly files: readonly (readonly [from: string, to: string])[];
}

/**
 * What the package holds: the modules that the client's entries need, with types, sources and maps.
 *
 * Throws when they need another package than node-seal, or Node, unless they are `cipherloom/client/node`.
 */
export function clientPackage(root: string, manifest: PackageManifest): ClientPackage {
  const { name, version, license, engines, exports, dependencies } = manifest;
  const entries = Object.entries(exports).flatMap(([key, entry]) =>
    typeof entry === 'object' && /^\.\/client(\/|$)/.test(key)
      ? [[key.replace('./client', '.'), entry as Entry] as const]
      : [],
  );
  const modules = new Set<string>();
  for (const [key, entry] of entries) {
    const needed = moduleClosure(path.join(root, 'dist'), [moduleOf(entry.default)]);
    const strange = needed.external.filter((each) => !isAllowed(each, key));
    if (strange.length > 0) {
      throw new Error(`the client may import ${cryptography} alone, not ${strange.join(', ')}`);
    }
    for (const module of needed.modules) modules.add(module);
  }
  return {
    manifest: {
      name: `${name}-client`,
      version,
      description:
        'The client of models that cipherloom compiled: makes keys, encrypts inputs, decrypts results. For browsers and Node.',
      license,
      type: 'module',
      engines,
      keywords: ['homomorphic-encryption', 'fhe', 'ckks', 'privacy', 'browser'],
      exports: { ...Object.fromEntries(entries), './package.json': './package.json' },
      files: ['dist', 'src', 'CHANGELOG.md'],
      dependencies: { [cryptography]: dependencies[cryptography] },
    },
    files: [
      ...[...modules]
        .sort()
        .flatMap((module) =>
          [
            `dist/${module}.js`,
            `dist/${module}.js.map`,
            `dist/${module}.d.ts`,
            `src/${module}.ts`,
          ].map((file) => [file, file] as const),
        ),
      ['docs/client-package.md', 'README.md'],
      ['CHANGELOG.md', 'CHANGELOG.md'],
      ['LICENSE', 'LICENSE'],
    ],
  };
}

/** What an entry may import: Node's own modules where its name says that it is for Node. */
function isAllowed(specifier: string, entry: string): boolean {
  if (specifier.startsWith('node:')) return /^\.\/node(\/|$)/.test(entry);
  return specifier === cryptography || specifier.startsWith(`${cryptography}/`);
}

/** Copy the files of the package from the checkout into an empty folder. */
export function copyClientFiles(root: string, folder: string, { files }: ClientPackage): void {
  for (const [from, to] of files) cpSync(path.join(root, from), path.join(folder, to));
}

function moduleOf(file: string): string {
  return file.replace(/^\.\/dist\//, '').replace(/\.js$/, '');
}
