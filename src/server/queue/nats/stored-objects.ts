/**
 * Requests and responses in a stream, in as many messages as they need.
 *
 * The object store of NATS does the same in a dozen round trips, with a digest in JavaScript; these are
 * written in one, read in one and removed in one, which is what a request of a tenth of a second affords.
 * An object has pieces, so that what is large is sent from where it lies and arrives where it is used.
 */
import { createHash } from 'node:crypto';
import { CipherloomError } from '../../../errors.ts';
import type { JetStreamConnection } from './connection.ts';
import type { StoredObject } from './messages.ts';
import { subjects } from './names.ts';
import type { ObjectStream } from './names.ts';

/** Bytes of one message: NATS takes 1 MiB if it is not told otherwise, and answers in base64. */
export const chunkBytes = 2 ** 19;

/** Store the pieces that a reference was made of. */
export async function putObject(
  { js }: JetStreamConnection,
  stream: ObjectStream,
  { object, pieces: lengths }: StoredObject,
  pieces: readonly Uint8Array[],
): Promise<void> {
  await Promise.all(
    chunksOf(lengths).map(({ piece, at }, index) => {
      const chunk = pieces[piece]?.subarray(at, at + chunkBytes);
      return js.publish(subjects.chunk(stream, object, index), chunk);
    }),
  );
}

/**
 * The pieces of an object; null where it is not there, or no longer.
 *
 * Throws REQUEST_INVALID for pieces of other lengths. Who reads them compares the digest.
 */
export async function getObject(
  connection: JetStreamConnection,
  stream: ObjectStream,
  { object, pieces: lengths }: StoredObject,
): Promise<Uint8Array<ArrayBuffer>[] | null> {
  const pieces = lengths.map((bytes) => new Uint8Array(bytes));
  const found = await Promise.all(
    chunksOf(lengths).map(async ({ piece, at, bytes }, index) => {
      const chunk = await readChunk(connection, stream, object, index);
      if (chunk === null) return false;
      if (chunk.length !== bytes) throw otherObject(object);
      pieces[piece]?.set(chunk, at);
      return true;
    }),
  );
  return found.includes(false) ? null : pieces;
}

/** Throws REQUEST_INVALID for an object of another digest than was referred to. */
export function requireDigest({ object, sha256: expected }: StoredObject, got: string): void {
  if (got !== expected) throw otherObject(object);
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

export function referenceTo(
  object: string,
  pieces: readonly Uint8Array[],
  sha256: string,
): StoredObject {
  return { object, pieces: pieces.map(({ length }) => length), sha256 };
}

/** Hex, of all pieces in order. */
export function digestOf(pieces: readonly Uint8Array[]): string {
  const hash = createHash('sha256');
  for (const piece of pieces) hash.update(piece);
  return hash.digest('hex');
}

interface Chunk {
  readonly piece: number;
  /** Where it begins in its piece. */
  readonly at: number;
  readonly bytes: number;
}

/** One at least of each piece. */
function chunksOf(lengths: readonly number[]): Chunk[] {
  return lengths.flatMap((length, piece) =>
    Array.from({ length: Math.max(1, Math.ceil(length / chunkBytes)) }, (_, index) => {
      const at = index * chunkBytes;
      return { piece, at, bytes: Math.min(chunkBytes, length - at) };
    }),
  );
}

function otherObject(object: string): CipherloomError {
  return new CipherloomError(
    'REQUEST_INVALID',
    `the object ${object} of the queue is another one than was stored`,
    {
      phase: 'server',
      details: { object },
      hint: 'nobody but cipherloom may write to its streams; send the request again with a new id',
    },
  );
}
