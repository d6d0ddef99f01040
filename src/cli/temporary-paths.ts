import { randomBytes } from 'node:crypto';
import { existsSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/**
 * What must be undone when the process is told to stop between two steps: a half-written file or
 * folder to remove, or a folder that was moved aside and must come back.
 */
export type Cleanup =
  | { readonly kind: 'remove'; readonly path: string }
  | { readonly kind: 'restore'; readonly moved: string; readonly to: string };

/** Hears of each cleanup before it can become necessary, and when it no longer is. */
export type CleanupListener = (change: 'add' | 'delete', id: number, cleanup: Cleanup) => void;

let listener: CleanupListener | undefined;
let nextId = 0;

/** The command runs in a worker; the thread that gets the signals listens here. */
export function onCleanup(listen: CleanupListener): void {
  listener = listen;
}

/** Announce a cleanup; dispose the result once it is done or pointless. */
export function registerCleanup(cleanup: Cleanup): Disposable {
  const id = nextId;
  nextId += 1;
  listener?.('add', id, cleanup);
  return {
    [Symbol.dispose]() {
      listener?.('delete', id, cleanup);
    },
  };
}

/** A hidden name in the same folder as `path`, so that a rename to it stays in one file system. */
export function temporarySibling(path: string, suffix: 'tmp' | 'old'): string {
  const unique = randomBytes(6).toString('hex');
  return join(dirname(path), `.${basename(path)}.${process.pid}-${unique}.${suffix}`);
}

/** Undo what the command announced and did not finish, and forget it. */
export function undoCleanups(cleanups: Map<number, Cleanup>): void {
  for (const cleanup of cleanups.values()) {
    try {
      if (cleanup.kind === 'remove') rmSync(cleanup.path, { recursive: true, force: true });
      else if (existsSync(cleanup.moved) && !existsSync(cleanup.to)) {
        renameSync(cleanup.moved, cleanup.to);
      }
    } catch {
      // The process is ending; what cannot be undone must not keep the rest from being undone.
    }
  }
  cleanups.clear();
}
