/** Reads `.npz` archives: zip files whose entries are `.npy` files. Nothing is ever unpacked to a disk. */
import { constants, crc32, inflateRawSync } from 'node:zlib';
import { CipherloomError } from '../../errors.ts';
import { printable } from '../printable.ts';
import {
  npyError,
  npyPreambleBytes,
  parseNpyHeader,
  parseNpyPreamble,
  type NpyArray,
} from './npy-format.ts';
import { parseNpy } from './read-npy.ts';
import { centralHeader, elsewhere, endRecord, flags, localHeader, methods } from './zip-format.ts';

/** An archive whose directory was read; its arrays are decoded when they are asked for. */
export interface NpzArchive {
  /** Names of the arrays, without `.npy`, in the order of the directory. */
  readonly names: readonly string[];
  /** Throws DATA_INVALID; ASSUME: the name is one of `names`. */
  read(name: string): NpyArray;
}

interface Entry {
  readonly name: string;
  readonly method: number;
  readonly crc: number;
  readonly compressedBytes: number;
  readonly bytes: number;
  /** Of the local header. */
  readonly start: number;
}

/** What an archive may hold, inflated: an array of bytes ends here in practice. */
export const maxNpzBytes = 2 ** 31;
/** The longest comment that the format allows behind the directory. */
const maxCommentBytes = 0xffff;
const extension = '.npy';
/** Compressed bytes that are looked at for the header of an entry: numpy's needs under 200. */
const prefixBytes = 2 ** 14;
/** Deflate makes at most this many bytes of one. */
const maxRatio = 1032;

const hint = 'write it in Python with np.savez(path, name=array)';

/**
 * Read the directory of an archive; `file` stands in errors.
 *
 * Cost    the directory; an array is inflated, up to the length that its own header states, when it
 *         is read
 * Throws  DATA_INVALID naming the entry and the byte; RESOURCE_LIMIT
 */
export function openNpz(bytes: Uint8Array, file: string): NpzArchive {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const entries = readDirectory(bytes, view, file);
  const arrays = new Map<string, Entry>();
  for (const entry of entries) {
    if (!entry.name.endsWith(extension)) {
      throw npyError(file, `entry ${shown(entry.name)} is no .npy file`, {}, hint);
    }
    const name = entry.name.slice(0, -extension.length);
    if (arrays.has(name)) throw npyError(file, `entry ${shown(entry.name)} stands twice`, {}, hint);
    arrays.set(name, entry);
  }
  return {
    names: [...arrays.keys()],
    read(name) {
      const entry = arrays.get(name);
      if (entry === undefined) throw npyError(file, `has no entry ${shown(name)}`, {}, hint);
      return readArray(bytes, view, entry, file);
    },
  };
}

function readDirectory(bytes: Uint8Array, view: DataView, file: string): Entry[] {
  const end = findEnd(view, file);
  const disks = view.getUint16(end + 4, true) + view.getUint16(end + 6, true);
  const count = view.getUint16(end + 10, true);
  const size = view.getUint32(end + 12, true);
  const start = view.getUint32(end + 16, true);
  if (count === 0xffff || size === elsewhere || start === elsewhere) throw zip64(file);
  if (disks !== 0 || count !== view.getUint16(end + 8, true)) {
    throw npyError(file, 'is a part of a split zip archive', { offset: end }, hint);
  }
  if (start + size !== end) {
    throw npyError(
      file,
      `the directory of the zip archive is at bytes ${start} to ${start + size}, not before byte ${end}`,
      { start, size, end },
      hint,
    );
  }
  const entries: Entry[] = [];
  let at = start;
  for (let n = 0; n < count; n++) {
    const room = end - at;
    if (room < centralHeader.bytes || view.getUint32(at, true) !== centralHeader.signature) {
      throw npyError(file, `has no directory entry ${n} at byte ${at}`, { offset: at }, hint);
    }
    const nameBytes = view.getUint16(at + 28, true);
    const length =
      centralHeader.bytes +
      nameBytes +
      view.getUint16(at + 30, true) +
      view.getUint16(at + 32, true);
    if (length > room) {
      throw npyError(file, `directory entry ${n} is truncated`, { offset: at }, hint);
    }
    const name = nameAt(bytes, at + centralHeader.bytes, nameBytes, file);
    const entry = {
      name,
      method: view.getUint16(at + 10, true),
      crc: view.getUint32(at + 16, true),
      compressedBytes: view.getUint32(at + 20, true),
      bytes: view.getUint32(at + 24, true),
      start: view.getUint32(at + 42, true),
    };
    if ([entry.compressedBytes, entry.bytes, entry.start].includes(elsewhere)) throw zip64(file);
    if ((view.getUint16(at + 8, true) & flags.encrypted) !== 0) {
      throw npyError(file, `entry ${shown(name)} is encrypted`, { offset: at }, hint);
    }
    entries.push(entry);
    at += length;
  }
  if (at !== end) throw npyError(file, `has bytes behind its directory`, { offset: at }, hint);
  checkPlaces(entries, start, file);
  return entries;
}

/** The record that ends the archive: its comment must end where the file does. */
function findEnd(view: DataView, file: string): number {
  const last = view.byteLength - endRecord.bytes;
  for (let at = last; at >= Math.max(0, last - maxCommentBytes); at--) {
    if (
      view.getUint32(at, true) === endRecord.signature &&
      at + endRecord.bytes + view.getUint16(at + 20, true) === view.byteLength
    ) {
      return at;
    }
  }
  const zip = view.byteLength >= 4 && view.getUint32(0, true) === localHeader.signature;
  throw npyError(
    file,
    zip ? 'is a truncated zip archive: its directory is missing' : 'is not a .npz file',
    { bytes: view.byteLength },
    hint,
  );
}

/** Entries that share bytes would make many arrays of a small file. */
function checkPlaces(entries: readonly Entry[], directory: number, file: string): void {
  let free = 0;
  for (const entry of [...entries].sort((a, b) => a.start - b.start)) {
    if (entry.start < free) {
      throw npyError(
        file,
        `entry ${shown(entry.name)} begins at byte ${entry.start}, inside another one`,
        { offset: entry.start },
        hint,
      );
    }
    free = entry.start + localHeader.bytes + entry.compressedBytes;
    if (free > directory) {
      throw npyError(
        file,
        `entry ${shown(entry.name)} reaches past byte ${directory}, where the entries end`,
        { end: free, limit: directory },
        hint,
      );
    }
  }
  const total = entries.reduce((sum, entry) => sum + entry.bytes, 0);
  if (total > maxNpzBytes) throw tooLarge(file, total);
}

function readArray(bytes: Uint8Array, view: DataView, entry: Entry, file: string): NpyArray {
  const what = `${file}: entry ${shown(entry.name)}`;
  const content = contentOf(bytes, view, entry, file);
  if (entry.method === methods.stored) {
    if (content.length !== entry.bytes) {
      throw npyError(what, `has ${content.length} bytes, its directory states ${entry.bytes}`);
    }
    return parseNpy(checked(content, entry, what), what);
  }
  if (entry.method !== methods.deflated) {
    throw npyError(what, `is compressed by method ${entry.method}; 0 and 8 are read`, {}, hint);
  }
  // The dimensions say how long the array is, before anything is inflated for it.
  const prefix = inflate(content.subarray(0, prefixBytes), prefixBytes * maxRatio, what, true);
  const preamble = parseNpyPreamble(prefix.subarray(0, npyPreambleBytes), what);
  const dataStart = preamble.headerStart + preamble.headerBytes;
  const header = parseNpyHeader(prefix.subarray(preamble.headerStart, dataStart), what);
  const expected = dataStart + header.dataBytes;
  if (expected !== entry.bytes) {
    throw npyError(what, `has ${entry.bytes} bytes, its header states ${expected}`, {
      expected,
      actual: entry.bytes,
    });
  }
  return parseNpy(checked(inflate(content, expected, what, false), entry, what), what);
}

/** The compressed bytes of an entry; its local header must be that of the directory. */
function contentOf(bytes: Uint8Array, view: DataView, entry: Entry, file: string): Uint8Array {
  const { start, name, compressedBytes } = entry;
  if (view.getUint32(start, true) !== localHeader.signature) {
    throw npyError(file, `entry ${shown(name)} has no header at byte ${start}`, { offset: start });
  }
  const nameBytes = view.getUint16(start + 26, true);
  const from = start + localHeader.bytes + nameBytes + view.getUint16(start + 28, true);
  if (from + compressedBytes > bytes.length) {
    throw npyError(file, `entry ${shown(name)} is truncated`, { offset: from });
  }
  if (nameAt(bytes, start + localHeader.bytes, nameBytes, file) !== name) {
    throw npyError(file, `entry ${shown(name)} has another name in its own header`, {
      offset: start,
    });
  }
  return bytes.subarray(from, from + compressedBytes);
}

function inflate(content: Uint8Array, limit: number, what: string, partial: boolean): Uint8Array {
  try {
    return inflateRawSync(content, {
      maxOutputLength: Math.max(1, limit),
      ...(partial ? { finishFlush: constants.Z_SYNC_FLUSH } : {}),
    });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw npyError(what, `cannot be inflated to ${limit} bytes: ${reason}`, { limit }, hint);
  }
}

function checked(content: Uint8Array, { crc }: Entry, what: string): Uint8Array {
  const got = crc32(content);
  if (got === crc) return content;
  throw npyError(what, `is damaged: its checksum is ${got}, not ${crc}`, { got, expected: crc });
}

function nameAt(bytes: Uint8Array, start: number, length: number, file: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(
      bytes.subarray(start, start + length),
    );
  } catch {
    throw npyError(file, `the name of an entry at byte ${start} is no text`, { offset: start });
  }
}

/** As it may stand in a message. */
function shown(name: string): string {
  return JSON.stringify(printable(name));
}

function zip64(file: string): CipherloomError {
  return npyError(
    file,
    'is a zip64 archive: more than 4 GiB or 65,534 arrays',
    {},
    'write each array to a file of its own: np.save(path, array)',
  );
}

function tooLarge(file: string, bytes: number): CipherloomError {
  return new CipherloomError(
    'RESOURCE_LIMIT',
    `${file} holds ${bytes} bytes; at most ${maxNpzBytes} are read`,
    {
      phase: 'frontend',
      node: file,
      details: { bytes, limit: maxNpzBytes },
      hint: 'write each array to a file of its own: np.save(path, array)',
    },
  );
}
