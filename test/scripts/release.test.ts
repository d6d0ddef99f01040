import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { clientPackage } from '../../scripts/release/client-package.ts';
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
  exports: {},
  dependencies: {},
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

describe('the package of the client', () => {
  let root: string;
  const client = {
    ...manifest,
    exports: {
      '.': { types: './dist/index.d.ts', default: './dist/index.js' },
      './client': { types: './dist/client/index.d.ts', default: './dist/client/index.js' },
      './client/node': { types: './dist/client/node.d.ts', default: './dist/client/node.js' },
      './client/page': { types: './dist/client/page.d.ts', default: './dist/client/page.js' },
    },
    dependencies: { 'node-seal': '^7.0.0', zod: '^4.0.0' },
  };
  const write = (name: string, code: string, types = ''): void => {
    mkdirSync(path.dirname(path.join(root, 'dist', name)), { recursive: true });
    writeFileSync(path.join(root, `dist/${name}.js`), code);
    writeFileSync(path.join(root, `dist/${name}.d.ts`), types);
  };

  beforeAll(() => {
    root = mkdtempSync(path.join(tmpdir(), 'cipherloom-release-'));
    write('client/index', "export * from '../seal/keys.js';", "export * from '../types.js';");
    write(
      'client/page',
      "new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });",
    );
    write('client/node', "import 'node:fs';");
    write('client/worker', "import '../seal/keys.js';");
    write('seal/keys', "await import('node-seal/allows');");
    write('types', '', 'export type Bits = number;');
    write('server', "import 'zod';");
  });
  afterAll(() => {
    rmSync(root, { recursive: true, force: true });
  });

  test('holds what its entries import, workers and types too, and nothing else', () => {
    const made = clientPackage(root, client);
    const modules = made.files.flatMap(([, to]) => /^dist\/(.*)\.js$/.exec(to)?.[1] ?? []);
    expect(modules).toEqual([
      'client/index',
      'client/node',
      'client/page',
      'client/worker',
      'seal/keys',
      'types',
    ]);
    expect(made.manifest).toMatchObject({
      name: 'cipherloom-client',
      version: '1.2.3',
      exports: {
        '.': { default: './dist/client/index.js' },
        './page': { types: './dist/client/page.d.ts' },
      },
      dependencies: { 'node-seal': '^7.0.0' },
    });
  });

  test('is refused where the client needs another package, or Node', () => {
    for (const strange of ['zod', 'node:fs', 'node-sealed']) {
      write('types', `import '${strange}';`);
      expect(() => clientPackage(root, client)).toThrow(`node-seal alone, not ${strange}`);
    }
  });
});
