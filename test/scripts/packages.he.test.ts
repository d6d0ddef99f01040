/** The packages of a release as npm unpacks them in empty projects: they install, type-check and run. */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { publint } from 'publint';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseNpy } from '../../src/frontend/npy/read-npy.ts';
import { readBlocks } from '../docs/blocks/read-blocks.ts';
import { decryptProgram, encryptProgram, evaluateProgram } from '../e2e/generated-programs.ts';

const root = join(import.meta.dirname, '../..');
const examples = join(root, 'examples/mnist');
const version = (JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest).version;
const names = ['cipherloom', 'cipherloom-client'] as const;
/** What the client may take on disk with everything that it needs. */
const clientLimit = 5_000_000;

interface Manifest {
  readonly version: string;
  readonly dependencies: Readonly<Record<string, string>>;
}

let home: string;
const tarball = (name: string): string => join(home, `release/${name}-${version}.tgz`);

/** The output of a program that must succeed. */
function ran(folder: string, program: string, ...words: readonly string[]): string {
  const ended = spawnSync(program, words, { cwd: folder, encoding: 'utf8' });
  expect(ended.status, `${words.join(' ')}\n${ended.stdout}${ended.stderr}`).toBe(0);
  return ended.stdout;
}

function project(name: string): string {
  const folder = join(home, name);
  mkdirSync(folder);
  writeFileSync(join(folder, 'package.json'), '{ "type": "module", "private": true }');
  return folder;
}

/** What a careful user switches on; libraries are checked too. */
function writeTsconfig(folder: string, options: object): void {
  const compilerOptions = {
    strict: true,
    noUncheckedIndexedAccess: true,
    exactOptionalPropertyTypes: true,
    verbatimModuleSyntax: true,
    module: 'nodenext',
    target: 'es2024',
    allowImportingTsExtensions: true,
    noEmit: true,
    ...options,
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions }));
}

function typecheck(folder: string): void {
  ran(folder, process.execPath, join(root, 'node_modules/typescript/bin/tsc'), '-p', '.');
}

function run(folder: string, name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return ran(folder, process.execPath, name);
}

beforeAll(() => {
  if (!existsSync(join(root, 'dist/client/index.js'))) {
    throw new Error('dist/ is not built: npm run build');
  }
  home = mkdtempSync(join(tmpdir(), 'cipherloom-packages-'));
  const release = join(home, 'release');
  const words = ['scripts/release.ts', '--output', release, '--without-addons'];
  ran(root, process.execPath, ...words);
}, 600_000);

afterAll(() => {
  rmSync(home, { recursive: true, force: true });
});

test.each(names)('%s: publint finds nothing', async (name) => {
  const { messages } = await publint({
    pkgDir: join(home, 'release', name),
    pack: false,
    strict: true,
  });
  expect(messages).toEqual([]);
});

test.each(names)(
  '%s: types are found as the code is, by every resolver of ES modules',
  async (name) => {
    const result = await checkPackage(
      createPackageFromTarballData(new Uint8Array(readFileSync(tarball(name)))),
    );
    if (result.types === false) throw new Error(`${name} has no types`);
    // ES modules alone: `require` without support for them, and resolvers from before `exports`, have no part.
    const problems = result.problems.filter(
      (problem) =>
        !('resolutionKind' in problem && ['node10', 'node16-cjs'].includes(problem.resolutionKind)),
    );
    expect(problems).toEqual([]);
  },
);

test('both packages go the whole way in projects of their own', { timeout: 600_000 }, () => {
  // The compiler's side: the package and, by link, the dependencies that it declares; no other is in reach.
  const server = project('server');
  const installed = join(server, 'node_modules/cipherloom');
  mkdirSync(installed, { recursive: true });
  execFileSync('tar', ['xzf', tarball('cipherloom'), '--strip-components=1', '-C', installed]);
  const manifest = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as Manifest;
  // Types of Node are what a project for Node has.
  for (const name of [...Object.keys(manifest.dependencies), '@types/node']) {
    const link = join(server, 'node_modules', name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(join(root, 'node_modules', name), link, 'dir');
  }
  cpSync(join(examples, 'lola.onnx'), join(server, 'lola.onnx'));
  const bin = join(installed, 'bin/cipherloom');
  const compile = ['compile', 'lola.onnx', '-o', '.', '--force', '--client-import', names[1]];
  ran(server, process.execPath, bin, ...compile, '--quiet');

  // The client's side, installed by npm from files alone.
  const client = project('client');
  const [{ filename = '' } = {}] = JSON.parse(
    ran(join(root, 'node_modules/node-seal'), 'npm', 'pack', '--json', '--pack-destination', home),
  ) as readonly { readonly filename?: string }[];
  const install = ['install', '--offline', '--no-audit', '--no-fund', '--ignore-scripts'];
  ran(client, 'npm', ...install, tarball('cipherloom-client'), join(home, filename));
  const packages = readdirSync(join(client, 'node_modules')).filter(
    (name) => !name.startsWith('.'),
  );
  expect(packages.sort()).toEqual(['cipherloom-client', 'node-seal']);
  expect(bytesOf(join(client, 'node_modules'))).toBeLessThanOrEqual(clientLimit);

  for (const file of ['client.ts', 'client.json']) cpSync(join(server, file), join(client, file));
  rmSync(join(server, 'client.ts'));
  // In a page, without Node's types, and with libraries checked.
  writeTsconfig(client, { lib: ['es2024', 'esnext.disposable', 'dom'], types: [] });
  typecheck(client);
  writeTsconfig(server, { types: ['node'], skipLibCheck: true });
  typecheck(server);

  const count = 2;
  const { data } = parseNpy(readFileSync(join(examples, 'images.npy')), 'images.npy');
  writeFileSync(
    join(client, 'image.f32'),
    Float32Array.from(data as Float32Array).subarray(0, count * 784),
  );
  run(client, 'encrypt.ts', encryptProgram);
  for (const file of ['evaluation.keys', 'request.ct'])
    cpSync(join(client, file), join(server, file));
  run(server, 'evaluate.ts', evaluateProgram);
  cpSync(join(server, 'response.ct'), join(client, 'response.ct'));
  // The page that the package shows on the registry.
  const [example] = readBlocks(readFileSync(join(root, 'docs/client-package.md'), 'utf8'));
  mkdirSync(join(client, 'page/plan'), { recursive: true });
  cpSync(join(client, 'client.json'), join(client, 'page/plan/client.json'));
  run(join(client, 'page'), 'page.ts', example?.text ?? '');
  const labels = parseNpy(readFileSync(join(examples, 'labels.npy')), 'labels.npy').data;
  expect(JSON.parse(run(client, 'decrypt.ts', decryptProgram))).toEqual({
    shape: [count, 10],
    labels: Array.from(labels as ArrayLike<number | bigint>, String).slice(0, count),
  });
});

/** Bytes of the files under a folder. */
function bytesOf(folder: string): number {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((file) => statSync(join(folder, file)))
    .reduce((sum, entry) => sum + (entry.isFile() ? entry.size : 0), 0);
}
