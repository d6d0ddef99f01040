import { readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { describe, expect, test } from 'vitest';
import { commands } from '../../src/cli/commands/index.ts';
import { loadCommand, type OptionDeclaration } from '../../src/cli/define-command.ts';
import { flagText, globalOptions, kebabCase } from '../../src/cli/parse-arguments.ts';
import { errorCodes, exitStatus, warningIds } from '../../src/errors.ts';
import { ops } from '../../src/ir/ops.ts';
import { passes } from '../../src/passes/index.ts';
import { cipherloom } from './spawn-program.ts';

const names = Object.keys(commands);

describe('the table of commands', () => {
  test('has one entry for each file, in alphabetical order', () => {
    const files = readdirSync(new URL('../../src/cli/commands', import.meta.url))
      .map((file) => basename(file, '.ts'))
      .filter((name) => name !== 'index');
    expect(names).toEqual(files.sort());
  });

  test.each(names)('%s is declared whole', async (name) => {
    const command = await loadCommand(commands, name);
    expect(command.name).toBe(name);
    expect(command.summary).toMatch(/^[A-Z].*\.$/);
    expect(command.examples.length).toBeGreaterThan(0);
    for (const example of command.examples) expect(example.command).toMatch(`cipherloom ${name}`);
    const all: Readonly<Record<string, OptionDeclaration>> = {
      ...command.options,
      ...globalOptions,
    };
    const spelled = Object.entries(all).flatMap(([key, option]) =>
      [kebabCase(key), ...(option.alias ?? [])].map(flagText),
    );
    expect(new Set(spelled).size, 'an option is spelled like another').toBe(spelled.length);
    const positional = Object.values(command.positional);
    expect(
      positional.slice(0, -1).some((one) => one.variadic),
      'variadic before the last',
    ).toBe(false);
  });

  test.each(names)('%s --help shows its options and examples', async (name) => {
    const command = await loadCommand(commands, name);
    const { status, stdout, stderr } = await cipherloom(name, '--help');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toContain(command.summary);
    for (const key of Object.keys(command.options)) expect(stdout).toContain(`--${kebabCase(key)}`);
    for (const example of command.examples) expect(stdout).toContain(example.command);
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(100);
  });

  test('is listed by --help, with the exit statuses', async () => {
    const { status, stdout } = await cipherloom('--help');
    expect(status).toBe(0);
    for (const name of names) expect(stdout).toMatch(new RegExp(`^  ${name} .*`, 'm'));
    for (const exit of Object.values(exitStatus))
      expect(stdout).toMatch(new RegExp(`\\b${exit} [a-z]`));
  });
});

describe('explain', () => {
  test.each(Object.entries(errorCodes))(
    '%s has a page that begins with its summary',
    (code, { exit, summary }) => {
      const page = readFileSync(new URL(`../../docs/errors/${code}.md`, import.meta.url), 'utf8');
      expect(page.startsWith(`# ${code}\n\nError, exit status ${exit}. ${summary}\n`)).toBe(true);
      expect(page).toContain('\n## What to do\n');
    },
  );

  test.each(Object.entries(warningIds))(
    '%s has a page that begins with its summary',
    (id, summary) => {
      const page = readFileSync(new URL(`../../docs/errors/${id}.md`, import.meta.url), 'utf8');
      expect(page.startsWith(`# ${id}\n\nWarning. ${summary}\n`)).toBe(true);
    },
  );

  test('no page is left over', () => {
    const pages = readdirSync(new URL('../../docs/errors', import.meta.url)).map((file) =>
      basename(file, '.md'),
    );
    expect(pages.sort()).toEqual([...Object.keys(errorCodes), ...Object.keys(warningIds)].sort());
  });

  test('lists every code', async () => {
    const { stdout } = await cipherloom('explain', '--json');
    const { codes } = JSON.parse(stdout) as { codes: { code: string; exit: number | null }[] };
    expect(codes.map(({ code }) => code)).toEqual([
      ...Object.keys(errorCodes),
      ...Object.keys(warningIds),
    ]);
  });

  test('shows the page of a code', async () => {
    const page = readFileSync(new URL('../../docs/errors/USAGE.md', import.meta.url), 'utf8');
    expect(await cipherloom('explain', 'usage')).toEqual({
      status: 0,
      signal: null,
      stdout: page,
      stderr: '',
    });
    const { stdout } = await cipherloom('explain', 'USAGE', '--json');
    expect(JSON.parse(stdout)).toEqual({
      code: 'USAGE',
      kind: 'error',
      exit: 2,
      summary: errorCodes.USAGE.summary,
      page,
      warnings: [],
    });
  });

  test('refuses an unknown code and names the nearest', async () => {
    for (const code of ['LEVEL_EXHAUSTED', '../../README', 'constructor']) {
      expect(await cipherloom('explain', code)).toMatchObject({ status: 2, stdout: '' });
    }
    const { stderr } = await cipherloom('explain', 'LEVEL_EXHAUSTED', '--json');
    expect(JSON.parse(stderr)).toMatchObject({ hint: 'cipherloom explain LEVELS_EXHAUSTED' });
  });
});

describe('ops', () => {
  test('lists the table', async () => {
    const { stdout } = await cipherloom('ops', '--json');
    const listed = (JSON.parse(stdout) as { ops: { name: string; code: number }[] }).ops;
    expect(listed.map(({ name, code }) => [name, code])).toEqual(
      ops.map(({ name, code }) => [name, code]),
    );
  });

  test('describes one with its attributes', async () => {
    const { stdout } = await cipherloom('ops', 'nn.conv');
    for (const word of ['nn.conv', 'strides', 'groups', 'Levels']) expect(stdout).toContain(word);
  });

  test('refuses an unknown one and names the nearest', async () => {
    const { status, stderr } = await cipherloom('ops', 'nn.conf', '--json');
    expect(status).toBe(2);
    expect(JSON.parse(stderr)).toMatchObject({ code: 'USAGE', hint: 'cipherloom ops nn.conv' });
  });
});

test('passes lists the pipeline in its order', async () => {
  const { stdout } = await cipherloom('passes', '--json');
  const listed = (JSON.parse(stdout) as { passes: { name: string }[] }).passes;
  expect(listed.map(({ name }) => name)).toEqual(passes.map(({ name }) => name));
});
