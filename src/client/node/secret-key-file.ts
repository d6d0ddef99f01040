/** Secret key files in Node: readable by their owner only, never half written. */
import { randomUUID } from 'node:crypto';
import { open, rename, rm, stat } from 'node:fs/promises';
import { CipherloomError } from '../../errors.ts';

/**
 * Write a secret key file with mode 0600.
 *
 * The bytes go to a new file beside the target, which is then renamed, so an existing key stays
 * whole until the new one is. Throws FILE_EXISTS unless `replace` is set, FILE_UNWRITABLE.
 */
export async function writeSecretKeyFile(
  path: string,
  secretKey: Uint8Array,
  options: { readonly replace?: boolean } = {},
): Promise<void> {
  if (options.replace !== true && (await exists(path))) {
    throw new CipherloomError('FILE_EXISTS', `${path} exists; a secret key is not overwritten`, {
      phase: 'client',
      node: path,
      hint: 'choose another folder, or delete the old key if nothing encrypted with it is needed',
    });
  }
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    // wx: fail rather than follow a link somebody placed there.
    const file = await open(temporary, 'wx', 0o600);
    try {
      await file.chmod(0o600);
      await file.writeFile(secretKey);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true });
    throw new CipherloomError('FILE_UNWRITABLE', `cannot write ${path}`, {
      phase: 'client',
      node: path,
      hint: 'check that the folder exists and can be written',
      cause,
    });
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch {
    return false;
  }
}
