/** Objects of the store, checked against the digest that their reference carries. */
import { createHash } from 'node:crypto';
import type { ObjectStore } from '@nats-io/obj';
import { CipherloomError } from '../../../errors.ts';
import type { StoredObject } from './messages.ts';

/** A transfer that takes longer than 10 s and 1 MB/s would is given up, and tried again by who asked. */
function transferMs(bytes: number): number {
  return 10_000 + bytes / 1000;
}

/** Bytes of one message: half of what NATS takes if it is not told otherwise. */
const chunkBytes = 2 ** 19;

export async function putObject(
  bucket: ObjectStore,
  object: string,
  bytes: Uint8Array,
): Promise<StoredObject> {
  await within(
    transferMs(bytes.length),
    bucket.putBlob({ name: object, options: { max_chunk_size: chunkBytes } }, bytes),
  );
  return referenceTo(object, bytes);
}

export function referenceTo(object: string, bytes: Uint8Array): StoredObject {
  return { object, bytes: bytes.length, sha256: sha256(bytes) };
}

/** Null where it is not there, or no longer. Throws where it is another object than was referred to. */
export async function getObject(
  bucket: ObjectStore,
  { object, bytes, sha256: expected }: StoredObject,
): Promise<Uint8Array<ArrayBuffer> | null> {
  const found = await within(transferMs(bytes), bucket.getBlob(object));
  if (found === null) return null;
  if (found.length !== bytes || sha256(found) !== expected) {
    throw new CipherloomError(
      'REQUEST_INVALID',
      `the object ${object} of the queue has ${found.length} bytes and another digest; ${bytes} bytes were stored`,
      {
        phase: 'server',
        details: { got: found.length, expected: bytes },
        hint: 'nobody but cipherloom may write to its buckets; send the request again with a new id',
      },
    );
  }
  return new Uint8Array(found);
}

/** Throws a plain error, as NATS does, when it takes longer. */
export async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    reject(new Error(`NATS did not answer within ${ms} ms`));
  }, ms);
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
