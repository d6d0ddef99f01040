/**
 * Evaluation keys in a stream: parts, and a head that is written last and says how many there are.
 *
 * A tenth of a gigabyte: some parts at a time are on their way, and all of it is nowhere in memory. Who
 * reads them checks their digest, which is their name.
 */
import type { ByteSource } from '../../../seal/byte-source.ts';
import type { JetStreamConnection } from './connection.ts';
import { keysHead } from './messages.ts';
import { names, subjects } from './names.ts';
import { chunkBytes, readChunk } from './stored-objects.ts';

/** Parts that are on their way at once: 4 MiB. */
const atOnce = 8;

export interface StoredKeys {
  readonly bytes: number;
  readonly storedAt: number;
}

export async function putKeys(
  { js }: JetStreamConnection,
  object: string,
  source: ByteSource,
): Promise<void> {
  const bytes = source.byteLength;
  const count = Math.ceil(bytes / chunkBytes);
  for (let first = 0; first < count; first += atOnce) {
    const indices = Array.from({ length: Math.min(atOnce, count - first) }, (_, k) => first + k);
    await Promise.all(
      indices.map(async (index) => {
        const at = index * chunkBytes;
        const part = await source.read(at, Math.min(chunkBytes, bytes - at));
        await js.publish(subjects.chunk(names.keys, object, index), part);
      }),
    );
  }
  const head = keysHead.encode({ bytes, storedAt: Date.now() });
  await js.publish(subjects.head(object), head);
}

/** Null where they are not there, or no longer. */
export async function findKeys(
  { jsm }: JetStreamConnection,
  object: string,
): Promise<StoredKeys | null> {
  const head = await jsm.streams.getMessage(names.keys, { last_by_subj: subjects.head(object) });
  return head === null ? null : keysHead.decode(head.data);
}

/** Their bytes in order. Throws a plain error where they expire meanwhile. */
export async function* readKeys(
  connection: JetStreamConnection,
  object: string,
  { bytes }: StoredKeys,
): AsyncGenerator<Uint8Array> {
  const count = Math.ceil(bytes / chunkBytes);
  const read = (index: number): Promise<Uint8Array | null> =>
    readChunk(connection, names.keys, object, index);
  const ahead: Promise<Uint8Array | null>[] = [];
  for (let index = 0; index < count; index++) {
    while (ahead.length < Math.min(atOnce, count - index)) {
      const part = read(index + ahead.length);
      // It is awaited in its turn.
      part.catch(() => undefined);
      ahead.push(part);
    }
    const part = await ahead.shift();
    if (part === null || part === undefined)
      throw new Error('the keys expired while they were read');
    yield part;
  }
}

export async function deleteKeys({ jsm }: JetStreamConnection, object: string): Promise<void> {
  await jsm.streams.purge(names.keys, { filter: subjects.chunks(names.keys, object) });
}
