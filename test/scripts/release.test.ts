import { expect, test } from 'vitest';
import { addonManifest, withAddons } from '../../scripts/release/manifests.ts';
import {
  addonPackage,
  platformName,
  platforms,
  thisMachine,
} from '../../src/backend/native/platform.ts';

const manifest = {
  name: 'cipherloom',
  version: '1.2.3',
  license: 'Apache-2.0',
  engines: { node: '>=24.15' },
  scripts: { build: 'tsc -b' },
};

test.each(platforms)('the addon of %s is installed there alone', (platform) => {
  const { os, cpu, libc, name, version } = addonManifest(platform, manifest);
  // What npm installs on a machine is what the loader asks for there.
  const musl = false;
  const machine = {
    platform: String((os as string[])[0]),
    arch: String((cpu as string[])[0]),
    musl,
  };
  expect(addonPackage(platformName(machine))).toBe(name);
  expect(libc).toEqual(platform.startsWith('linux') ? ['glibc'] : undefined);
  expect(version).toBe('1.2.3');
});

test('the package of this machine is one of them, others are refused', () => {
  expect(platformName(thisMachine())).toMatch(/^(darwin|linux|win32)-/);
  expect(() => addonManifest('linux-x64-musl', manifest)).toThrow(/no platform of darwin-arm64/);
});

test('the package names the addons of its own release as optional, and has no scripts', () => {
  const made = withAddons(manifest, ['linux-x64-gnu', 'darwin-arm64']);
  expect(made['optionalDependencies']).toEqual({
    'cipherloom-linux-x64-gnu': '1.2.3',
    'cipherloom-darwin-arm64': '1.2.3',
  });
  expect(made['scripts']).toBeUndefined();
  expect(made['version']).toBe('1.2.3');
});
