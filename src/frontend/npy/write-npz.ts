import { crc32 } from 'node:zlib';
import { invariant } from '../../errors.ts';
import type { NpyArray } from './npy-format.ts';
import { formatNpy } from './write-npy.ts';
import { centralHeader, elsewhere, endRecord, flags, localHeader, methods } from './zip-format.ts';

/** Version 2.0 of the format: what reading it needs. */
const version = 20;
/** 1 January 1980, where the format's calendar begins: the same arrays give the same bytes. */
const date = 0x21;

/**
 * The bytes of a `.npz` file: each array as a `.npy` file, stored, in the given order.
 *
 * ASSUME: names differ, and the archive is smaller than 4 GiB.
 */
export function formatNpz(arrays: ReadonlyMap<string, NpyArray>): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let at = 0;
  const append = (part: Uint8Array): void => {
    parts.push(part);
    at += part.length;
  };
  for (const [name, array] of arrays) {
    const start = at;
    const title = new TextEncoder().encode(`${name}.npy`);
    const content = formatNpy(array);
    const common = commonFields(content, title);
    append(
      record(localHeader, (view) => {
        view.setUint16(4, version, true);
        common(view, 6);
      }),
    );
    append(title);
    append(content);
    directory.push(
      record(centralHeader, (view) => {
        view.setUint16(4, version, true);
        view.setUint16(6, version, true);
        common(view, 8);
        view.setUint32(42, start, true);
      }),
      title,
    );
  }
  const directoryStart = at;
  directory.forEach(append);
  const directoryBytes = at - directoryStart;
  invariant(at < elsewhere && arrays.size < 0xffff, 'the archive needs no zip64 records');
  append(
    record(endRecord, (view) => {
      view.setUint16(8, arrays.size, true);
      view.setUint16(10, arrays.size, true);
      view.setUint32(12, directoryBytes, true);
      view.setUint32(16, directoryStart, true);
    }),
  );
  const bytes = new Uint8Array(at);
  parts.reduce((offset, part) => {
    bytes.set(part, offset);
    return offset + part.length;
  }, 0);
  return bytes;
}

function record(
  { signature, bytes }: { readonly signature: number; readonly bytes: number },
  fill: (view: DataView) => void,
): Uint8Array {
  const view = new DataView(new ArrayBuffer(bytes));
  view.setUint32(0, signature, true);
  fill(view);
  return new Uint8Array(view.buffer);
}

/** The fields from the flags to the length of the name, which both headers of an entry share. */
function commonFields(content: Uint8Array, title: Uint8Array) {
  const crc = crc32(content);
  return (view: DataView, at: number): void => {
    view.setUint16(at, flags.utf8, true);
    view.setUint16(at + 2, methods.stored, true);
    view.setUint16(at + 6, date, true);
    view.setUint32(at + 8, crc, true);
    view.setUint32(at + 12, content.length, true);
    view.setUint32(at + 16, content.length, true);
    view.setUint16(at + 20, title.length, true);
  };
}
