/** Evaluation keys that can be sent again from any byte, under the name of their content. */
import type { ByteSource } from '../../seal/byte-source.ts';
import { formatHash, sha256 } from '../../seal/sha256.ts';

/** Where an upload reads from: memory, a file, the storage of a browser. */
export interface KeySource extends ByteSource {
  /** SHA-256 of all bytes, hex: the name of the keys. */
  readonly sha256: string;
}

/** Make the keys of a stream, all in memory. Cost: their size once. */
export async function keysInMemory(stream: {
  bytes(): Promise<Uint8Array<ArrayBuffer>>;
}): Promise<KeySource> {
  const bytes = await stream.bytes();
  return {
    byteLength: bytes.length,
    sha256: formatHash(await sha256(bytes)),
    read: (offset, length) => Promise.resolve(bytes.subarray(offset, offset + length)),
  };
}
