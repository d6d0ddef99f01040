import type { CommandResult } from './define-command.ts';
import type { Cleanup } from './temporary-paths.ts';

/** What the terminal thread tells the thread that runs the command. */
export interface WorkerInput {
  readonly words: readonly string[];
  readonly color: boolean;
  /** Columns of the terminal, or of a page where stdout is none. */
  readonly columns: number;
}

/** An error with everything that one may print of it. */
export interface ErrorReport {
  readonly code: string;
  readonly phase: string | null;
  readonly node: string | null;
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
  readonly hint: string | null;
  readonly exit: number;
  /** Printed only where CIPHERLOOM_DEBUG is set. */
  readonly stack: string | null;
}

/** What the thread that runs the command tells the terminal thread. */
export type WorkerMessage =
  | { readonly kind: 'mode'; readonly json: boolean; readonly quiet: boolean }
  | { readonly kind: 'step'; readonly label: string }
  | { readonly kind: 'advance'; readonly done: number; readonly total: number }
  | {
      readonly kind: 'warning';
      readonly id: string;
      readonly message: string;
      readonly node?: string;
    }
  | {
      readonly kind: 'cleanup';
      readonly change: 'add' | 'delete';
      readonly id: number;
      readonly cleanup: Cleanup;
    }
  /** Printed at once; the command goes on. */
  | { readonly kind: 'announcement'; readonly stdout: string }
  /** The command ends by itself when it is told to stop. */
  | { readonly kind: 'graceful' }
  | {
      readonly kind: 'result';
      readonly stdout: string;
      readonly exit: NonNullable<CommandResult['exit']>;
    }
  | { readonly kind: 'error'; readonly error: ErrorReport };

/** What the terminal thread tells the command's thread while it runs. */
export interface StopMessage {
  readonly kind: 'stop';
  readonly signal: string;
}
