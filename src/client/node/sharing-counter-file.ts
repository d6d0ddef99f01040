/** The count of shared results of a secret key, in a file beside it. */
import { open } from 'node:fs/promises';
import { CipherloomError } from '../../errors.ts';
import type { SharingCounter } from '../sharing.ts';

/**
 * Count in a file that grows by one byte for each result; its size is the count.
 *
 * Appending is atomic and the byte is on disk before the count is returned, so after a crash the
 * count is never below what was shared. Throws FILE_UNWRITABLE.
 */
export function sharingCounterFile(path: string): SharingCounter {
  return {
    async increment() {
      try {
        await using file = await open(path, 'a', 0o600);
        await file.write('.');
        await file.sync();
        return (await file.stat()).size;
      } catch (cause) {
        throw new CipherloomError('FILE_UNWRITABLE', `cannot count a shared result in ${path}`, {
          phase: 'client',
          node: path,
          hint: 'check that the folder exists and can be written',
          cause,
        });
      }
    },
  };
}
