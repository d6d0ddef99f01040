/**
 * Make the tarballs of a release: the package, its client as a package of its own, and one with the
 * native addon for each platform.
 *
 *   npm run release -- --output out/release                          with the addon built here
 *   npm run release -- --output out/release --addon darwin-arm64=FILE --addon linux-x64-gnu=FILE
 *   npm run release -- --output out/release --without-addons         to try the packages
 *
 * `npm run build:native -- --target TRIPLE --output FILE` makes the addon of another platform. The package
 * names those of this release as optional dependencies, so that npm installs the one that fits. Nothing is
 * published: `npm publish` takes the tarballs, those of the platforms first.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { builtAddon } from '../src/backend/native/load-addon.ts';
import { addonPackage, platformName, thisMachine } from '../src/backend/native/platform.ts';
import { clientPackage, copyClientFiles } from './release/client-package.ts';
import { addonManifest, withAddons } from './release/manifests.ts';
import type { PackageManifest } from './release/manifests.ts';

const root = path.join(import.meta.dirname, '..');

interface PackedFiles {
  readonly files: readonly { readonly path: string }[];
}

function npmPack(folder: string, ...options: readonly string[]): string {
  return execFileSync('npm', ['pack', '--silent', '--ignore-scripts', ...options], {
    cwd: folder,
    encoding: 'utf8',
  });
}

/** An empty folder for the files of a package. */
function stageFolder(name: string): string {
  const folder = path.join(output, name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  return folder;
}

function writeManifest(folder: string, manifest: object): void {
  writeFileSync(path.join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
}

const { values } = parseArgs({
  options: {
    addon: {
      type: 'string',
      multiple: true,
      default: [`${platformName(thisMachine())}=${builtAddon}`],
    },
    output: { type: 'string' },
    'without-addons': { type: 'boolean', default: false },
  },
});
if (values.output === undefined) throw new Error('--output names the folder of the tarballs');
const output = path.resolve(values.output);
const manifest = JSON.parse(
  readFileSync(path.join(root, 'package.json'), 'utf8'),
) as PackageManifest;
const addons = (values['without-addons'] ? [] : values.addon).map(
  (text): readonly [platform: string, file: string] => {
    const at = text.indexOf('=');
    if (at < 0) throw new Error(`--addon ${text}: expected PLATFORM=FILE`);
    return [text.slice(0, at), text.slice(at + 1)];
  },
);

for (const [platform, file] of addons) {
  const folder = stageFolder(addonPackage(platform));
  writeManifest(folder, addonManifest(platform, manifest));
  cpSync(file, path.join(folder, 'cipherloom.node'));
  cpSync(path.join(root, 'LICENSE'), path.join(folder, 'LICENSE'));
  process.stdout.write(npmPack(folder, '--pack-destination', output));
}

const client = clientPackage(root, manifest);
const clientFolder = stageFolder(`${manifest.name}-client`);
writeManifest(clientFolder, client.manifest);
copyClientFiles(root, clientFolder, client);
process.stdout.write(npmPack(clientFolder, '--pack-destination', output));

const staged = stageFolder(manifest.name);
const [packed] = JSON.parse(npmPack(root, '--dry-run', '--json')) as readonly PackedFiles[];
for (const file of packed?.files ?? []) {
  cpSync(path.join(root, file.path), path.join(staged, file.path));
}
const platforms = addons.map(([platform]) => platform);
writeManifest(staged, withAddons(manifest, platforms));
process.stdout.write(npmPack(staged, '--pack-destination', output));
