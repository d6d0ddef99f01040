import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Client } from '../client/index.ts';
import { CipherloomError } from '../errors.ts';
import { namingFilesLater } from './naming-files.ts';
import { filePath } from './option-schemas.ts';
import {
  checkWritableParent,
  resolveOutput,
  statOrUndefined,
  unwritable,
} from './output-checks.ts';
import { readBoundedFile } from './read-file.ts';

export const secretKeyName = 'secret.key';
export const evaluationKeysName = 'evaluation.keys';

/** A secret key is a polynomial of small coefficients: 2^17 of them take less than this. */
const maxSecretKeyBytes = 2 ** 26;

/** `--keys KEYS/` of the commands that act for the client. */
export const keysOption = {
  value: 'KEYS/',
  schema: filePath(),
  describe: 'folder that keygen wrote; its secret.key stays with the client',
} as const;

/** Let a client use the secret key of a folder. Throws FILE_UNREADABLE, SECRET_KEY_INVALID. */
export async function importKeyFolder(client: Client, folder: string): Promise<void> {
  const path = join(folder, secretKeyName);
  if (!existsSync(path)) {
    throw new CipherloomError('FILE_UNREADABLE', `${folder} has no ${secretKeyName}`, {
      phase: 'cli',
      node: path,
      hint: `cipherloom keygen DIR --out ${folder}`,
    });
  }
  await namingFilesLater({ SECRET_KEY_INVALID: path }, () =>
    client.importSecretKey(readBoundedFile(path, maxSecretKeyBytes)),
  );
}

/**
 * Make a folder for keys, closed to other users, or use one that is there.
 *
 * Throws  FILE_EXISTS where it has a secret key, unless it may be replaced; FILE_UNWRITABLE
 */
export function makeKeyFolder(path: string, { force }: { readonly force: boolean }): void {
  const flag = '--output';
  const folder = resolveOutput(path);
  const secret = join(folder, secretKeyName);
  if (existsSync(secret) && !force) {
    throw new CipherloomError('FILE_EXISTS', `${join(path, secretKeyName)} exists`, {
      phase: 'cli',
      node: path,
      details: { option: flag, path },
      hint: 'give another folder; --force replaces the key, and nothing encrypted with it can be decrypted any more',
    });
  }
  checkWritableParent(folder, flag);
  const stats = statOrUndefined(folder);
  if (stats?.isDirectory() === true) {
    checkWritableParent(secret, flag);
    return;
  }
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (cause) {
    throw unwritable(path, flag, cause);
  }
}
