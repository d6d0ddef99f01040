import yargs from 'yargs';
import { z } from 'zod';
import { warningIds, type CipherloomError } from '../errors.ts';
import type { Command, OptionDeclaration } from './define-command.ts';
import { nearestName } from './nearest-name.ts';
import { flag, nameList } from './option-schemas.ts';
import { usageError } from './usage-error.ts';

/** Options that every command has. */
export const globalOptions = {
  json: { schema: flag(), describe: 'print one JSON object on stdout, errors as one on stderr' },
  quiet: { schema: flag(), describe: 'no progress on stderr' },
  silence: {
    value: 'IDS',
    schema: nameList()
      .refine((ids) => ids.every((id) => Object.hasOwn(warningIds, id)), {
        message: `expected warning identifiers with commas between: ${Object.keys(warningIds).join(', ')}`,
      })
      .default([]),
    describe: 'do not print these warnings',
  },
  help: { schema: flag(), alias: ['h'], describe: 'show this help' },
} as const satisfies Readonly<Record<string, OptionDeclaration>>;

/** `inputRange` → `input-range`. */
export function kebabCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** `o` → `-o`, `out` → `--out`. */
export function flagText(name: string): string {
  return name.length === 1 ? `-${name}` : `--${name}`;
}

interface ParsedArguments {
  readonly args: Readonly<Record<string, unknown>>;
  readonly global: {
    readonly [K in keyof typeof globalOptions]: z.output<(typeof globalOptions)[K]['schema']>;
  };
}

/**
 * Turn the words after a command's name into its checked arguments.
 *
 * yargs splits them; everything it lets through (unknown options, repeated ones, values of flags,
 * words that are not numbers) is refused here, by the option's name.
 *
 * Throws  USAGE
 */
export function parseArguments(command: Command, words: readonly string[]): ParsedArguments {
  const declared: Readonly<Record<string, OptionDeclaration>> = {
    ...command.options,
    ...globalOptions,
  };
  const byName = new Map<string, OptionDeclaration>();
  for (const [key, option] of Object.entries(declared)) {
    for (const name of [kebabCase(key), ...(option.alias ?? [])]) byName.set(name, option);
  }
  const help = `cipherloom ${command.name} --help`;

  checkOptionWords(words, byName, command, help);
  const { values, positionals } = splitWords(words, declared, byName, help);

  for (const name of values.keys()) {
    if (!byName.has(name)) throw unknownOption(flagText(name), byName, command, help);
  }

  const checked: Record<string, unknown> = {};
  // --help wins over what is missing: it is how one finds out about it.
  const asked = values.get('help') === true;
  const read: Readonly<Record<string, OptionDeclaration>> = asked ? globalOptions : declared;
  for (const [key, option] of Object.entries(read)) {
    checked[key] = checkOption(kebabCase(key), option, values.get(kebabCase(key)), help);
  }
  if (!asked) Object.assign(checked, namePositionals(command, positionals, help));

  const { json, quiet, silence, help: wantsHelp, ...args } = checked;
  const global = { json, quiet, silence, help: wantsHelp } as ParsedArguments['global'];
  return { args, global };
}

/**
 * What yargs would let through, or fall over: it reads `--json=abc` as false, takes a repeated flag
 * for one, splits `-abc` into letters, and crashes on `--constructor=1`.
 */
function checkOptionWords(
  words: readonly string[],
  byName: ReadonlyMap<string, OptionDeclaration>,
  command: Command,
  help: string,
): void {
  const seen = new Set<OptionDeclaration>();
  for (const word of words) {
    if (word === '--') return;
    // A value never starts like an option, except for a negative number.
    const match = /^(--|-(?![\d.]))([^=]+)(=.*)?$/s.exec(word);
    if (match === null) continue;
    const [, dashes = '', name = '', value] = match;
    const typed = dashes + name;
    const option = byName.get(name);
    if (option === undefined || flagText(name) !== typed) {
      throw unknownOption(typed, byName, command, help);
    }
    if (option.value !== undefined) continue;
    if (value !== undefined) {
      const got = value.slice(1);
      throw usageError(`${typed} takes no value`, { option: typed, got, hint: help });
    }
    if (seen.has(option)) {
      throw usageError(`${typed} is given more than once`, { option: typed, hint: help });
    }
    seen.add(option);
  }
}

function unknownOption(
  typed: string,
  byName: ReadonlyMap<string, OptionDeclaration>,
  command: Command,
  help: string,
): CipherloomError {
  const nearest = nearestName(typed.replace(/^-+/, ''), byName.keys());
  return usageError(`${command.name} has no option ${typed}`, {
    option: typed,
    hint: nearest === undefined ? help : `did you mean ${flagText(nearest)}? (${help})`,
  });
}

function splitWords(
  words: readonly string[],
  declared: Readonly<Record<string, OptionDeclaration>>,
  byName: ReadonlyMap<string, OptionDeclaration>,
  help: string,
): { values: ReadonlyMap<string, unknown>; positionals: readonly string[] } {
  const parser = yargs()
    .locale('en')
    .help(false)
    .version(false)
    .exitProcess(false)
    .parserConfiguration({
      'boolean-negation': false,
      'camel-case-expansion': false,
      'dot-notation': false,
      'duplicate-arguments-array': true,
      'parse-numbers': false,
      'parse-positional-numbers': false,
      'populate--': true,
      'strip-aliased': true,
    })
    .fail((message: string | null, error: Error | undefined) => {
      const name = /^Not enough arguments following: (.+)$/.exec(message ?? '')?.[1];
      if (name !== undefined && byName.has(name)) throw missingValue(name, byName.get(name)!, help);
      throw usageError(message ?? error?.message ?? 'the command line was not understood', {
        hint: help,
      });
    });
  for (const [key, option] of Object.entries(declared)) {
    const alias = option.alias ?? [];
    parser.option(
      kebabCase(key),
      option.value === undefined
        ? { type: 'boolean', alias }
        : { type: 'string', nargs: 1, requiresArg: true, alias },
    );
  }
  const parsed = parser.parseSync([...words]);

  const { _: before, '--': after, $0: _program, ...rest } = parsed as Record<string, unknown>;
  return {
    values: new Map(Object.entries(rest)),
    positionals: [
      ...((before as unknown[] | undefined) ?? []),
      ...((after as unknown[] | undefined) ?? []),
    ].map(String),
  };
}

function missingValue(name: string, option: OptionDeclaration, help: string) {
  return usageError(`${flagText(name)} needs a value: ${flagText(name)} ${option.value ?? ''}`, {
    option: flagText(name),
    hint: help,
  });
}

function checkOption(name: string, option: OptionDeclaration, raw: unknown, help: string): unknown {
  const typed = flagText(name);
  const values = raw === undefined ? [] : Array.isArray(raw) ? (raw as unknown[]) : [raw];
  if (option.value !== undefined && values.some((value) => value === '' || value === undefined)) {
    throw missingValue(name, option, help);
  }
  if (values.length > 1 && option.repeat !== true) {
    throw usageError(`${typed} is given more than once`, {
      option: typed,
      got: values,
      hint: help,
    });
  }
  const input = option.repeat === true ? (raw === undefined ? undefined : values) : values[0];
  const result = z.safeParse(option.schema, input);
  if (result.success) return result.data;
  if (input === undefined) {
    throw usageError(`${typed} ${option.value ?? ''} is missing`, { option: typed, hint: help });
  }
  const issue = result.error.issues[0]!;
  const index = issue.path[0];
  const got = typeof index === 'number' ? values[index] : input;
  throw usageError(`${typed}: ${issue.message}, got ${JSON.stringify(got)}`, {
    option: typed,
    got,
    hint: help,
  });
}

function namePositionals(
  command: Command,
  words: readonly string[],
  help: string,
): Record<string, unknown> {
  const named: Record<string, unknown> = {};
  const rest = [...words];
  for (const [name, declaration] of Object.entries(command.positional)) {
    const taken = declaration.variadic === true ? rest.splice(0) : rest.splice(0, 1);
    if (taken.length === 0 && declaration.optional !== true) {
      throw usageError(`${command.name} needs ${name.toUpperCase()}: ${declaration.describe}`, {
        option: name.toUpperCase(),
        hint: help,
      });
    }
    if (taken.includes('')) {
      throw usageError(`${name.toUpperCase()} is empty`, {
        option: name.toUpperCase(),
        hint: help,
      });
    }
    named[name] = declaration.variadic === true ? taken : taken[0];
  }
  if (rest.length > 0) {
    throw usageError(`${command.name} does not take ${JSON.stringify(rest[0])}`, {
      got: rest,
      hint: help,
    });
  }
  return named;
}
