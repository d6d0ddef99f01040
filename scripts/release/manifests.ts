/** The package.json of a release's packages. */
import { addonPackage, platforms } from '../../src/backend/native/platform.ts';

export interface PackageManifest {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly engines: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, unknown>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly scripts?: Readonly<Record<string, string>>;
}

/** Of the addon of a platform: npm installs it on that platform only. */
export function addonManifest(
  platform: string,
  { name, version, license, engines }: PackageManifest,
): Readonly<Record<string, unknown>> {
  if (!platforms.some((known) => known === platform)) {
    throw new Error(`${platform} is no platform of ${platforms.join(', ')}`);
  }
  const [os, cpu, library] = platform.split('-');
  return {
    name: addonPackage(platform),
    version,
    description: `The native evaluator of ${name} for ${platform}.`,
    license,
    engines,
    os: [os],
    cpu: [cpu],
    ...(os === 'linux' ? { libc: [library === 'gnu' ? 'glibc' : library] } : {}),
    main: 'cipherloom.node',
    files: ['cipherloom.node'],
  };
}

/** Of the package itself: the addons of the same release are optional, and scripts are left out. */
export function withAddons(
  manifest: PackageManifest,
  names: readonly string[],
): Readonly<Record<string, unknown>> {
  const { scripts: _scripts, ...rest } = manifest;
  return {
    ...rest,
    optionalDependencies: Object.fromEntries(
      names.map((platform) => [addonPackage(platform), manifest.version]),
    ),
  };
}
