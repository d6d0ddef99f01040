import type { CommandTable } from '../define-command.ts';

/**
 * Every command by its name, alphabetical; the name is that of the file. Loaded when used, so that
 * `explain` does not wait for the encryption library.
 */
export const commands = {
  explain: () => import('./explain.ts'),
  ops: () => import('./ops.ts'),
  passes: () => import('./passes.ts'),
} as const satisfies CommandTable;
