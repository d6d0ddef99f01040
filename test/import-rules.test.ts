import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';

// A rule whose pattern no longer matches anything passes for ever. So: a small tree that breaks
// each rule once, and the names of the rules that notice.

const root = fileURLToPath(new URL('..', import.meta.url));

/** Files of a sound project, then those that break one rule each. */
const sound: Readonly<Record<string, string>> = {
  'errors.ts': `export const e = 1;`,
  'layout/layout.ts': `import '../errors.ts'; export const layout = 1;`,
  'ir/program.ts': `import '../layout/layout.ts'; export const program = 1;`,
  'frontend/onnx/decode.ts': `import 'onnx-proto'; import '../../ir/program.ts';`,
  'passes/one.ts': `import '../ir/program.ts';`,
  'seal/secret-key.ts': `import 'node-seal'; export const key = 1;`,
  'seal/evaluator.ts': `import 'node-seal'; import '../errors.ts'; export const evaluator = 1;`,
  'client/client.ts': `import '../seal/secret-key.ts'; export const client = 1;`,
  'client/index.ts': `import './client.ts'; import '../layout/layout.ts';`,
  'client/node/key-file.ts': `import 'node:fs'; import '../client.ts';`,
  'backend/seal/run.ts': `import '../../seal/evaluator.ts'; import '../../ir/program.ts'; export const run = 1;`,
  'backend/typescript/emit.ts': `import 'ts-morph'; import '../../ir/program.ts';`,
  'server/index.ts': `import '../backend/seal/run.ts';`,
  'cli/run.ts': `import '../client/client.ts'; import '../server/index.ts'; import 'yargs';`,
};

const broken: readonly (readonly [rule: string, file: string, text: string])[] = [
  ['errors-is-a-leaf', 'errors.ts', `import './layout/constant.ts';`],
  ['layout-is-a-leaf', 'layout/bad.ts', `import '../ir/program.ts';`],
  ['seal-is-a-leaf', 'seal/bad.ts', `import '../ir/program.ts';`],
  ['ir-imports-layout', 'ir/bad.ts', `import '../seal/evaluator.ts';`],
  ['frontend-imports-ir', 'frontend/bad.ts', `import '../backend/seal/run.ts';`],
  ['passes-import-ir', 'passes/bad.ts', `import '../frontend/onnx/decode.ts';`],
  ['backend-imports-ir', 'backend/bad.ts', `import '../frontend/onnx/decode.ts';`],
  ['client-stands-alone', 'client/bad.ts', `import '../ir/program.ts';`],
  ['server-imports-backend', 'server/bad.ts', `import '../client/client.ts';`],
  ['compiler-api-below-cli', 'passes/bad-cli.ts', `import '../cli/run.ts';`],
  ['secret-key-stays-with-the-client', 'server/bad-key.ts', `import '../seal/secret-key.ts';`],
  ['no-secret-key-in-the-evaluator', 'backend/bad-way.ts', `import '../seal/re-export.ts';`],
  ['client-runs-in-browsers', 'client/index.ts', `import './node/key-file.ts';`],
  ['node-seal-behind-src-seal', 'backend/bad-seal.ts', `import 'node-seal';`],
  ['ts-morph-behind-one-folder', 'cli/bad-morph.ts', `import 'ts-morph';`],
  ['onnx-proto-behind-one-file', 'frontend/onnx/bad.ts', `import 'onnx-proto';`],
  ['client-has-no-eval', 'client/bad-zod.ts', `import 'zod';`],
  ['no-dev-dependency', 'cli/bad-dev.ts', `import 'fast-check';`],
  ['not-to-unresolvable', 'cli/bad-absent.ts', `import './absent.ts';`],
  ['no-circular', 'ir/circle.ts', `import './circle-back.ts'; export const circle = 1;`],
  ['no-orphans', 'ir/orphan.ts', `export const orphan = 1;`],
];

/** Imported by what is broken; each is harmless by itself. */
const helpers: Readonly<Record<string, string>> = {
  'layout/constant.ts': `export const constant = 1;`,
  'seal/re-export.ts': `export { key } from './secret-key.ts';`,
  'ir/circle-back.ts': `import { circle } from './circle.ts'; export const back = circle;`,
};

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'cipherloom-imports-'));
  for (const name of [
    'package.json',
    'tsconfig.json',
    'tsconfig.base.json',
    '.dependency-cruiser.js',
  ]) {
    copyFileSync(join(root, name), join(folder, name));
  }
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** `RULE FILE` of each violation in a tree of these files. */
function violations(files: Readonly<Record<string, string>>): string[] {
  rmSync(join(folder, 'src'), { recursive: true, force: true });
  for (const [name, text] of Object.entries(files)) {
    const path = join(folder, 'src', name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
  const program = join(root, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
  const { stdout, stderr } = spawnSync(
    process.execPath,
    [program, 'src', '--output-type', 'json'],
    {
      cwd: folder,
      encoding: 'utf8',
    },
  );
  expect(stderr).toBe('');
  const report = JSON.parse(stdout) as {
    summary: { violations: { rule: { name: string }; from: string }[] };
  };
  return report.summary.violations.map(({ rule, from }) => `${rule.name} ${from}`);
}

test('a sound tree has no violation', () => {
  expect(violations(sound)).toEqual([]);
});

test('each rule notices what breaks it', () => {
  const files: Record<string, string> = { ...sound, ...helpers };
  for (const [, name, text] of broken) files[name] = `${files[name] ?? ''} ${text}`;
  const found = violations(files);
  for (const [rule, name] of broken) {
    // A cycle is reported once, from whichever of its files comes first.
    const first = rule === 'no-circular' ? 'ir/circle-back.ts' : name;
    expect(found).toContain(`${rule} src/${first}`);
  }
});
