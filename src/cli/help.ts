import {
  loadCommand,
  type Command,
  type CommandTable,
  type OptionDeclaration,
} from './define-command.ts';
import { flagText, globalOptions, kebabCase } from './parse-arguments.ts';
import { wrap } from './text/wrap.ts';

/** `cipherloom --help`: every command with its summary. */
export async function overviewHelp(table: CommandTable, width: number): Promise<string> {
  const rows: [string, string][] = [];
  for (const name of Object.keys(table)) {
    const command = await loadCommand(table, name);
    rows.push([[name, ...positionalNames(command)].join(' '), command.summary]);
  }
  return [
    'Compile trained ONNX networks into programs that run on encrypted inputs.',
    '',
    'Usage: cipherloom COMMAND [OPTIONS]',
    '',
    'Commands:',
    ...columns(rows, width),
    '',
    'Options:',
    ...columns([...optionRows(globalOptions), ['-V, --version', 'print the version']], width),
    '',
    'Results go to stdout, progress and errors to stderr.',
    'Exit status: 0 ok, 1 internal error, 2 usage, 3 bad file, 4 model cannot be compiled,',
    '5 a budget is missed, 6 below the asked security, 7 resource limit.',
    'cipherloom COMMAND --help shows a command with examples.',
    '',
    'Start with cipherloom inspect MODEL: it says whether a model works, and what to type next.',
    '',
  ].join('\n');
}

/** `cipherloom COMMAND --help`. */
export function commandHelp(command: Command, width: number): string {
  const positional = Object.entries(command.positional);
  const own = optionRows(command.options);
  return [
    command.summary,
    '',
    `Usage: ${['cipherloom', command.name, ...positionalNames(command), '[OPTIONS]'].join(' ')}`,
    ...(positional.length === 0
      ? []
      : [
          '',
          ...columns(
            positional.map(([name, { describe }]) => [name.toUpperCase(), describe]),
            width,
          ),
        ]),
    ...(own.length === 0 ? [] : ['', 'Options:', ...columns(own, width)]),
    '',
    'Options of every command:',
    ...columns(optionRows(globalOptions), width),
    '',
    'Examples:',
    ...command.examples.flatMap(({ command: typed, does }) => [`  ${typed}`, `      ${does}`]),
    '',
  ].join('\n');
}

function positionalNames(command: Command): string[] {
  return Object.entries(command.positional).map(([name, { optional, variadic }]) => {
    const shown = `${name.toUpperCase()}${variadic === true ? '…' : ''}`;
    return optional === true ? `[${shown}]` : shown;
  });
}

function optionRows(options: Readonly<Record<string, OptionDeclaration>>): [string, string][] {
  return Object.entries(options).map(([key, option]) => {
    const names = [...(option.alias ?? []), kebabCase(key)]
      .sort((a, b) => Number(a.length > 1) - Number(b.length > 1))
      .map(flagText)
      .join(', ');
    const value = option.value === undefined ? '' : ` ${option.value}`;
    return [
      `${names}${value}`,
      `${option.describe}${option.repeat === true ? ' (repeatable)' : ''}`,
    ];
  });
}

/** Two columns; a left part that is too long stands on a line of its own. */
function columns(rows: readonly (readonly [string, string])[], width: number): string[] {
  const left = Math.min(34, Math.max(...rows.map(([name]) => name.length)) + 2);
  return rows.flatMap(([name, text]) => {
    const lines = wrap(text, width - left - 2);
    const first = name.length + 2 > left ? [`  ${name}`] : [];
    const body = lines.map((line, index) => {
      const head = index === 0 && first.length === 0 ? name : '';
      return `  ${head.padEnd(left)}${line}`;
    });
    return [...first, ...body];
  });
}
