import type { Command } from '../define-command.ts';

/**
 * Every command by its name, alphabetical; the name is that of the file. Loaded when used, so that
 * `explain` does not wait for the encryption library.
 */
export const commands = {
  explain: () => import('./explain.ts'),
} as const satisfies Readonly<Record<string, () => Promise<{ readonly default: Command }>>>;

/** ASSUME: `name` is a key of `commands`. */
export async function loadCommand(name: string): Promise<Command> {
  return (await commands[name as keyof typeof commands]()).default;
}
