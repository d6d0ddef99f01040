import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { registerCleanup } from './temporary-paths.ts';

export interface TemporaryFolder extends Disposable {
  readonly path: string;
}

/** A folder that is gone when it is disposed, or when the process is told to stop. */
export function temporaryFolder(): TemporaryFolder {
  const path = mkdtempSync(join(tmpdir(), 'cipherloom-'));
  const cleanup = registerCleanup({ kind: 'remove', path });
  return {
    path,
    [Symbol.dispose]() {
      rmSync(path, { recursive: true, force: true });
      cleanup[Symbol.dispose]();
    },
  };
}
