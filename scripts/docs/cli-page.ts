/** docs/cli.md, from the declarations of the commands. */
import { commands } from '../../src/cli/commands/index.ts';
import { loadCommand } from '../../src/cli/define-command.ts';
import type { Command, OptionDeclaration } from '../../src/cli/define-command.ts';
import { flagText, globalOptions, kebabCase } from '../../src/cli/parse-arguments.ts';
import type { Page } from './page.ts';
import { table } from './table.ts';

const generated = '<!-- Written by `npm run docs` from src/cli/commands; do not edit. -->';

const introduction = `Results go to stdout, progress and errors to stderr. \`cipherloom COMMAND --help\` shows the same as this page.

${table(
  ['exit status', 'means'],
  [
    ['0', 'it worked'],
    ['1', 'internal error: a bug'],
    ['2', 'the command line is wrong'],
    ['3', 'a file cannot be read: model, data, plan, key or ciphertext'],
    ['4', 'the model cannot be compiled'],
    ['5', '`check` or `verify` missed a budget'],
    ['6', 'it would be below the asked security'],
    ['7', 'a limit on resources'],
    ['130, 143', 'ended by SIGINT or SIGTERM; what was begun is removed'],
  ],
)}

With \`--json\`, stdout holds exactly one object, and an error is one object on stderr: \`code\`, \`phase\`, \`node\`, \`message\`, \`details\`, \`hint\`. The schemas are
those of \`schemas/\`. [Errors](errors.md) have a page each, which \`cipherloom explain CODE\` prints.`;

/** The page of every command with its options. */
export async function cliPage(): Promise<Page> {
  const names = Object.keys(commands);
  const loaded = await Promise.all(names.map((name) => loadCommand(commands, name)));
  const text = [
    '# The command line',
    generated,
    table(
      ['command', 'does'],
      loaded.map(({ name, summary }) => [`[${name}](#${name})`, summary]),
    ),
    introduction,
    '## Options of every command',
    optionTable(globalOptions),
    ...loaded.map(section),
  ];
  return { path: 'docs/cli.md', text: text.join('\n\n') };
}

function section({ name, summary, positional, options, examples }: Command): string {
  const words = Object.entries(positional).map(([word, { optional, variadic }]) => {
    const shown = `${word.toUpperCase()}${variadic === true ? '…' : ''}`;
    return optional === true ? `[${shown}]` : shown;
  });
  const arguments_ = Object.entries(positional).map(([word, { describe }]) => [
    `\`${word.toUpperCase()}\``,
    describe,
  ]);
  return [
    `## ${name}`,
    summary,
    `\`${['cipherloom', name, ...words, '[OPTIONS]'].join(' ')}\``,
    ...(arguments_.length === 0 ? [] : [table(['argument', 'is'], arguments_)]),
    ...(Object.keys(options).length === 0 ? [] : [optionTable(options)]),
    table(
      ['example', 'does'],
      examples.map(({ command, does }) => [`\`${command}\``, does]),
    ),
  ].join('\n\n');
}

function optionTable(options: Readonly<Record<string, OptionDeclaration>>): string {
  return table(
    ['option', 'is'],
    Object.entries(options).map(([key, { alias = [], value, describe, repeat }]) => {
      const names = [kebabCase(key), ...alias].map((each) => `\`${flagText(each)}\``).join(', ');
      const shown = value === undefined ? '' : ` \`${value}\``;
      return [`${names}${shown}`, `${describe}${repeat === true ? ' (repeatable)' : ''}`];
    }),
  );
}
