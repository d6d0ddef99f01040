/**
 * The frame of SEAL's serialised objects: a 16-byte header that states the length.
 *
 * Source: microsoft/SEAL v4.1.2 native/src/seal/serialization.h (SEALHeader), dynarray.h.
 */
export const sealHeaderBytes = 16;
/** Header and element count before the words of a SEAL array. */
export const sealArrayHeadBytes = sealHeaderBytes + 8;
export const parmsIdBytes = 32;

/** Magic number, header size, version 4.1 and no compression; reserved bytes zero. */
const headerStart = Uint8Array.of(0x5e, 0xa1, 0x10, 4, 1, 0, 0, 0);

/** Names of the header's bytes, for messages. */
const headerFields = [
  'magic number',
  'magic number',
  'header size',
  'major version',
  'minor version',
  'compression mode',
  'reserved byte',
  'reserved byte',
] as const;

/** Write the header of an object of `size` bytes, header included. */
export function writeSealHeader(view: DataView, offset: number, size: number): void {
  headerStart.forEach((byte, i) => {
    view.setUint8(offset + i, byte);
  });
  view.setBigUint64(offset + 8, BigInt(size), true);
}

/** Write header and element count of an array of 64-bit words. */
export function writeSealArrayHead(view: DataView, offset: number, count: number): void {
  writeSealHeader(view, offset, sealArrayHeadBytes + 8 * count);
  view.setBigUint64(offset + sealHeaderBytes, BigInt(count), true);
}

/** What a header has instead of what it must have. */
export interface HeaderFault {
  readonly field: string;
  readonly offset: number;
  readonly got: number | string;
  readonly expected: number | string;
}

/** Compare a header with the only one accepted for an object of `size` bytes. */
export function findHeaderFault(view: DataView, offset: number, size: number): HeaderFault | null {
  for (let i = 0; i < headerStart.length; i++) {
    const got = view.getUint8(offset + i);
    const expected = headerStart[i] ?? 0;
    if (got !== expected) {
      return { field: headerFields[i] ?? 'header', offset: offset + i, got, expected };
    }
  }
  const got = view.getBigUint64(offset + 8, true);
  if (got !== BigInt(size)) {
    return { field: 'length', offset: offset + 8, got: String(got), expected: size };
  }
  return null;
}
