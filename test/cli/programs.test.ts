/** Programs in TypeScript through bin/cipherloom, from a folder outside of any package. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cipherloom, launcher, spawnProgram } from './spawn-program.ts';

const define = "import { defineProgram } from 'cipherloom/dsl';";
const scaled = (factor: number, name = 'scaled'): string =>
  `defineProgram('${name}', ({ input }) => ({ y: input('x', [4], { range: [0, 1] }).mul(${factor}) }))`;

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'cipherloom-program-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

function write(name: string, ...lines: readonly string[]): string {
  const file = path.join(folder, name);
  writeFileSync(file, lines.join('\n'));
  return file;
}

/** The program after the first pass, or the error. */
async function load(file: string, ...words: readonly string[]) {
  const ended = await cipherloom('compile', file, '--stop-after', 'fold-constants', '--json', ...words); // prettier-ignore
  const error = ended.stderr.split('\n').find((line) => line.startsWith('{"code"'));
  return {
    status: ended.status,
    ir: ended.status === 0 ? (JSON.parse(ended.stdout) as { ir: { text: string }[] }).ir[0]!.text : '', // prettier-ignore
    error: error === undefined ? null : (JSON.parse(error) as { code: string; node: string; message: string; hint: string | null }), // prettier-ignore
  };
}

describe('loading a program', () => {
  it.each(['ts', 'mts', 'js', 'mjs'])('takes .%s', async (extension) => {
    const file = write(`one.${extension}`, define, `export default ${scaled(3)};`);
    const { status, ir } = await load(file);
    expect(status).toBe(0);
    expect(ir).toContain('program "scaled"');
    expect(ir).toContain(`loc "one.${extension}:2"`);
  });

  it('takes the only named export, the one asked for, and default before others', async () => {
    const only = write('only.ts', define, 'export const factor = 2;', `export const p = ${scaled(5)};`); // prettier-ignore
    const several = write('several.ts', define, `export const a = ${scaled(2, 'a')};`, `export const b = ${scaled(3, 'b')};`); // prettier-ignore
    const both = write('both.ts', define, `export const a = ${scaled(2, 'a')};`, `export default ${scaled(3, 'main')};`); // prettier-ignore
    const results = await Promise.all([load(only), load(several, '--program', 'b'), load(both)]);
    expect(results.map(({ ir }) => /program "(.*)"/.exec(ir)?.[1])).toEqual(['scaled', 'b', 'main']); // prettier-ignore
  });

  it('imports other files beside it, and this installation, whatever the folder says', async () => {
    write('package.json', '{ "type": "commonjs" }');
    write('helper.mts', 'export const factor: number = 7;');
    const file = write(
      'uses.ts',
      "import { CipherloomError } from 'cipherloom';",
      "import { factor } from './helper.mts';",
      define,
      "if (CipherloomError.name !== 'CipherloomError') throw new Error('another package');",
      'export default ' + scaled(0).replace('mul(0)', 'mul(factor)'),
    );
    const { status, ir } = await load(file);
    rmSync(path.join(folder, 'package.json'));
    expect(status).toBe(0);
    expect(ir).toContain('[7]');
  });

  it.each<[string, readonly string[], number | null, RegExp]>([
    ['an enum', [define, 'enum Colour { red }', `export default ${scaled(1)};`], 2, /enum is not supported/], // prettier-ignore
    ['a namespace', [define, 'namespace n { export const x = 1; }'], 2, /namespace|module/],
    ['a parameter property', ['class A {', '  constructor(private x: number) {}', '}'], 2, /parameter property/], // prettier-ignore
    ['a syntax error', [define, '', 'const x = = 1;'], 3, /Expression expected/],
    ['code that throws while it is loaded', [define, "throw new Error('boom');"], 2, /boom/],
    [
      'a function that throws',
      [define, "export default defineProgram('p', () => {", "  throw new TypeError('bad');", '});'],
      3,
      /TypeError: bad/,
    ],
    [
      'shapes that do not fit',
      [
        define,
        "export default defineProgram('p', ({ input }) => {",
        "  const x = input('x', [4], { range: [0, 1] });",
        '  return { y: x.add([1, 2, 3]) };',
        '});',
      ],
      4,
      /\[4\] and \[3\] do not broadcast/,
    ],
    ['an import that is not there', ["import 'no-such-package';"], null, /no-such-package/],
    ['no export', [define], null, /exports no program/],
    ['another default export', ['export default { name: 1 };'], null, /not made by defineProgram/],
    ['several programs', [define, `export const a = ${scaled(1)};`, `export const b = ${scaled(2)};`], null, /a, b/], // prettier-ignore
    ['no outputs', [define, "export default defineProgram('p', () => ({}));"], 2, /no outputs/],
  ])('refuses %s, with its line', async (name, lines, line, message) => {
    const file = write(`${name.replaceAll(' ', '-')}.ts`, ...lines);
    const { status, error } = await load(file);
    expect(status).toBe(3);
    expect(error?.code).toBe(name === 'shapes that do not fit' ? 'SHAPE_MISMATCH' : 'PROGRAM_INVALID'); // prettier-ignore
    expect(error?.message).toMatch(message);
    expect(error?.node).toBe(line === null ? file : `${path.basename(file)}:${line}`);
  });

  it('names what --program can take, and refuses it for ONNX files', async () => {
    const file = write('named.ts', define, `export const a = ${scaled(1)};`);
    const wrong = await load(file, '--program', 'z');
    expect(wrong.error).toMatchObject({ code: 'PROGRAM_INVALID', hint: '--program a' });
    const onnx = await load('examples/mnist/lola.onnx', '--program', 'a');
    expect(onnx).toMatchObject({ status: 2, error: { code: 'USAGE' } });
    expect((await load(path.join(folder, 'absent.ts'))).error?.code).toBe('FILE_UNREADABLE');
  });
});

describe('the README', () => {
  it('shows a program that compiles, the one of examples/filters', async () => {
    const blocks = [...readFileSync('README.md', 'utf8').matchAll(/```ts\n([\s\S]*?)```/g)];
    const source = blocks.map(([, text = '']) => text).find((text) => text.includes('cipherloom/dsl')); // prettier-ignore
    const shown = await load(write('readme.ts', source ?? ''));
    const example = await load('examples/filters/sobel.ts');
    const withoutLines = (ir: string): string =>
      ir.replaceAll(/(readme|sobel)\.ts[:_]\d+/g, 'line');
    expect(shown.status).toBe(0);
    expect(withoutLines(shown.ir)).toBe(withoutLines(example.ir).replaceAll('-0', '0'));
  });
});

describe('plans of programs', () => {
  it('are the same bytes for the same file, wherever it lies', { timeout: 180_000 }, async () => {
    const text = readFileSync('examples/filters/score.ts', 'utf8');
    const weights = readFileSync('examples/filters/score.json', 'utf8');
    const plans: Buffer[] = [];
    for (const name of ['a', 'b']) {
      const place = mkdtempSync(path.join(folder, name));
      writeFileSync(path.join(place, 'score.ts'), text);
      writeFileSync(path.join(place, 'score.json'), weights);
      const plan = path.join(place, 'plan');
      const ended = await spawnProgram(launcher, ['compile', 'score.ts', '-o', plan], { cwd: place }); // prettier-ignore
      expect(ended.status, ended.stderr).toBe(0);
      plans.push(readFileSync(path.join(plan, 'model.loom')));
    }
    expect(plans[0]!.equals(plans[1]!)).toBe(true);
  });
});
