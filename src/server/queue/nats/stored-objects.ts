/**
 * Requests and responses in a stream, in as many messages as they need, checked against their digest.
 *
 * The object store of NATS does the same in a dozen round trips, with a digest in JavaScript; these are
 * written in one, read in one and removed in one, which is what a request of a tenth of a second affords.
 */
import { createHash } from 'node:crypto';
import { CipherloomError } from '../../../errors.ts';
import type { JetStreamConnection } from './connection.ts';
import type { StoredObject } from './messages.ts';
import { subjects } from './names.ts';
import type { ObjectStream } from './names.ts';

/** Bytes of one message: NATS takes 1 MiB if it is not told otherwise, and answers in base64. */
export const chunkBytes = 2 ** 19;

export async function putObject(
  { js }: JetStreamConnection,
  stream: ObjectStream,
  { object }: StoredObject,
  bytes: Uint8Array,
): Promise<void> {
  await Promise.all(
    chunksOf(bytes.length).map((at, index) =>
      js.publish(subjects.chunk(stream, object, index), bytes.subarray(at, at + chunkBytes)),
    ),
  );
}

/** Null where it is not there, or no longer. Throws where it is another object than was referred to. */
export async function getObject(
  connection: JetStreamConnection,
  stream: ObjectStream,
  { object, bytes, sha256: expected }: StoredObject,
): Promise<Uint8Array<ArrayBuffer> | null> {
  const chunks = await Promise.all(
    chunksOf(bytes).map((_, index) => readChunk(connection, stream, object, index)),
  );
  const parts = chunks.flatMap((chunk) => (chunk === null ? [] : [chunk]));
  if (parts.length < chunks.length) return null;
  const found = new Uint8Array(Buffer.concat(parts));
  if (found.length !== bytes || sha256(found) !== expected) {
    throw new CipherloomError(
      'REQUEST_INVALID',
      `the object ${object} of the queue has ${found.length} bytes and another digest; ${bytes} bytes were stored`,
      {
        phase: 'server',
        details: { got: found.length, expected: bytes },
        hint: 'nobody but cipherloom may write to its streams; send the request again with a new id',
      },
    );
  }
  return found;
}

/** One message of an object, or null. */
export async function readChunk(
  { jsm }: JetStreamConnection,
  stream: ObjectStream,
  object: string,
  index: number,
): Promise<Uint8Array | null> {
  const query = { last_by_subj: subjects.chunk(stream, object, index) };
  // Any server of a cluster gives the bytes as they are; one that lags has nothing, and then the leader
  // is asked, who answers in base64.
  const found =
    (await jsm.direct.getMessage(stream, query)) ?? (await jsm.streams.getMessage(stream, query));
  return found?.data ?? null;
}

export async function deleteObject(
  { jsm }: JetStreamConnection,
  stream: ObjectStream,
  object: string,
): Promise<void> {
  await jsm.streams.purge(stream, { filter: subjects.chunks(stream, object) });
}

export function referenceTo(object: string, bytes: Uint8Array): StoredObject {
  return { object, bytes: bytes.length, sha256: sha256(bytes) };
}

/** Where the chunks of so many bytes begin; one at least. */
function chunksOf(bytes: number): number[] {
  return Array.from(
    { length: Math.max(1, Math.ceil(bytes / chunkBytes)) },
    (_, index) => index * chunkBytes,
  );
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
