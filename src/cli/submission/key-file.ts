import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { RemoteModel } from '../../client/index.ts';
import { CipherloomError } from '../../errors.ts';
import { openFileSource } from '../../seal/file-source.ts';
import type { Progress } from '../define-command.ts';
import { evaluationKeysName } from '../key-folder.ts';

/** Have the keys of a folder on the server; returns the bytes that were sent. */
export async function ensureKeys(
  model: RemoteModel,
  folder: string,
  progress: Progress,
): Promise<number> {
  const path = join(folder, evaluationKeysName);
  if (!existsSync(path)) {
    throw new CipherloomError('FILE_UNREADABLE', `${folder} has no ${evaluationKeysName}`, {
      phase: 'cli',
      node: path,
      hint: `cipherloom keygen DIR --out ${folder}`,
    });
  }
  progress.step('looking for the keys on the server');
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  const sha256 = hash.digest('hex');
  if (await model.useKeysOnServer(sha256)) return 0;
  progress.step('uploading keys');
  await using file = await openFileSource(path);
  const { sentBytes } = await model.uploadKeys(
    { sha256, byteLength: file.byteLength, read: (offset, length) => file.read(offset, length) },
    {
      onProgress: ({ sentBytes: sent, totalBytes }) => {
        progress.advance(sent, totalBytes);
      },
    },
  );
  return sentBytes;
}
