import type { z } from 'zod';
import type { ExitStatus, Warning } from '../errors.ts';

export interface OptionDeclaration<S extends z.ZodType = z.ZodType> {
  /**
   * Checks and converts what was typed: a string, `true` for a flag, an array of strings where
   * `repeat` is set, `undefined` where the option is absent (so `.optional()` or `.default(…)`
   * makes it optional).
   */
  readonly schema: S;
  /** Placeholder of the value in the help, such as `N` or `LO,HI`; without it the option is a flag. */
  readonly value?: string;
  /** May be given more than once; the schema then sees an array. */
  readonly repeat?: boolean;
  /** Other names, without dashes: `o` is `-o`, `out` is `--out`. */
  readonly alias?: readonly string[];
  readonly describe: string;
}

export interface PositionalDeclaration {
  readonly describe: string;
  readonly optional?: boolean;
  /** Takes all that remain; only the last one may. */
  readonly variadic?: boolean;
}

export interface Progress {
  /** Name what happens now; shown on stderr once the command has run for a second. */
  step(label: string): void;
  /** How far the present step is. */
  advance(done: number, total: number): void;
}

export interface CommandIo {
  readonly json: boolean;
  /** Whether text may be coloured. */
  readonly color: boolean;
  /** How wide text may be. */
  readonly columns: number;
  readonly progress: Progress;
  /** Printed on stderr, and listed as `warnings` in the object of `--json`. */
  warn(warning: Warning): void;
  /**
   * Print a result while the command goes on, as a server does when it listens; what it returns at
   * its end is then not printed.
   */
  announce(result: Pick<CommandResult, 'json' | 'text'>): void;
  /**
   * Fires when the process is told to stop (SIGINT, SIGTERM, SIGHUP). Who asks for it ends by itself:
   * the process waits for it, and a second signal ends it at once.
   */
  stopSignal(): AbortSignal;
}

/** What a command found; the frame prints one of the two forms. */
export interface CommandResult {
  /** The one object of `--json`; absent figures are `null`. */
  readonly json: Readonly<Record<string, unknown>>;
  readonly text: string;
  /** Status of a command that did its work and found a miss (`check`, `verify`); default 0. */
  readonly exit?: ExitStatus;
}

export interface Example {
  readonly command: string;
  readonly does: string;
}

type Positionals = Readonly<Record<string, PositionalDeclaration>>;
type Options = Readonly<Record<string, OptionDeclaration>>;

type PositionalValue<D extends PositionalDeclaration> = D['variadic'] extends true
  ? readonly string[]
  : D['optional'] extends true
    ? string | undefined
    : string;

export type CommandArgs<P extends Positionals, O extends Options> = {
  readonly [K in keyof P]: PositionalValue<P[K]>;
} & { readonly [K in keyof O]: z.output<O[K]['schema']> };

interface CommandDeclaration<P extends Positionals, O extends Options> {
  /** Name as typed; also the name of the file. */
  readonly name: string;
  readonly summary: string;
  /** By name as shown, in order: `{ model: {…} }` is `MODEL`, and `args.model`. */
  readonly positional: P;
  /** By name in camelCase: `inputRange` is `--input-range`, and `args.inputRange`. */
  readonly options: O;
  readonly examples: readonly Example[];
  run(args: CommandArgs<P, O>, io: CommandIo): CommandResult | Promise<CommandResult>;
}

/** A command with the types of its arguments forgotten, as the table of commands holds it. */
export interface Command {
  readonly name: string;
  readonly summary: string;
  readonly positional: Positionals;
  readonly options: Options;
  readonly examples: readonly Example[];
  run(
    args: Readonly<Record<string, unknown>>,
    io: CommandIo,
  ): CommandResult | Promise<CommandResult>;
}

/** Commands by name, each loaded when it is used. */
export type CommandTable = Readonly<Record<string, () => Promise<{ readonly default: Command }>>>;

/** ASSUME: `name` is a key of the table. */
export async function loadCommand(table: CommandTable, name: string): Promise<Command> {
  return (await table[name]!()).default;
}

/** Declare a command: one file, one line in `commands/index.ts`. */
export function defineCommand<const P extends Positionals, const O extends Options>(
  declaration: CommandDeclaration<P, O>,
): Command {
  // The parser makes the arguments from the same declaration, so their types are those of `run`.
  return declaration;
}
