import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { addonPackage, platformName, platforms } from '../../src/backend/native/platform.ts';

test('names platforms as prebuilt addons are named', () => {
  const names = [
    { platform: 'linux', arch: 'x64', musl: false },
    { platform: 'linux', arch: 'arm64', musl: false },
    { platform: 'darwin', arch: 'x64', musl: false },
    { platform: 'darwin', arch: 'arm64', musl: false },
    { platform: 'win32', arch: 'x64', musl: false },
  ].map(platformName);
  expect(names.toSorted()).toEqual([...platforms]);
  expect(addonPackage('linux-x64-gnu')).toBe('cipherloom-linux-x64-gnu');
  // An addon for one C library does not load with the other.
  fc.assert(
    fc.property(fc.constantFrom('x64', 'arm64', 'riscv64'), (arch) => {
      const name = platformName({ platform: 'linux', arch, musl: true });
      expect(platforms).not.toContain(name);
    }),
  );
});

test('CIPHERLOOM_NATIVE=0 switches the addon off, with a reason', () => {
  const module = fileURLToPath(new URL('../../src/backend/native/load-addon.ts', import.meta.url));
  const script = `import(${JSON.stringify(module)}).then(({ loadAddon }) => console.log(loadAddon().reason))`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
    env: { ...process.env, CIPHERLOOM_NATIVE: '0' },
  });
  expect(stderr).toBe('');
  expect(stdout).toBe('CIPHERLOOM_NATIVE is 0\n');
});
