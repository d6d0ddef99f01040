/** Bytes that are read in pieces: a file, a mapped cache, or memory. */
export interface ByteSource {
  readonly byteLength: number;
  /** Exactly `length` bytes from `offset`; fewer is an error of the source. */
  read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>>;
}

/** Bytes in memory, shared. */
export function memorySource(bytes: Uint8Array<ArrayBuffer>): ByteSource {
  return {
    byteLength: bytes.length,
    read: (offset, length) => Promise.resolve(bytes.subarray(offset, offset + length)),
  };
}
