import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { CipherloomError } from '../../errors.ts';
import {
  npyError,
  npyPreambleBytes,
  parseNpyHeader,
  parseNpyPreamble,
  type NpyArray,
  type NpyData,
  type NpyHeader,
} from './npy-format.ts';

/**
 * Decode the bytes of a `.npy` file. `name` stands in errors.
 *
 * Shapes  any of up to 32 axes; Fortran order is converted to row-major
 * Throws  DATA_INVALID
 */
export function parseNpy(bytes: Uint8Array, name: string): NpyArray {
  const preamble = parseNpyPreamble(bytes, name);
  const dataStart = preamble.headerStart + preamble.headerBytes;
  checkLength(name, 'header', dataStart, Math.min(bytes.length, dataStart));
  const header = parseNpyHeader(bytes.subarray(preamble.headerStart, dataStart), name);
  checkLength(name, 'data', dataStart + header.dataBytes, bytes.length);
  // A copy, since the elements need not be aligned within the bytes; slice() of a Buffer is none.
  const data = header.type.view(new Uint8Array(bytes.subarray(dataStart)).buffer);
  return { shape: header.shape, data: toRowMajor(data, header) };
}

/**
 * Read a `.npy` file; nothing is allocated before its length matches its header.
 *
 * With `limit`, only the first so many entries of the leading axis are kept, and, in row-major
 * order, read.
 *
 * Throws  DATA_INVALID, FILE_UNREADABLE
 */
export function readNpyFile(path: string, options: { readonly limit?: number } = {}): NpyArray {
  const file = openFile(path);
  try {
    const stats = fstatSync(file);
    if (!stats.isFile()) {
      throw new CipherloomError('FILE_UNREADABLE', `${path} is not a file`, {
        phase: 'frontend',
        node: path,
        hint: 'give the name of a .npy file',
      });
    }
    const preamble = parseNpyPreamble(
      readAt(path, file, 0, Math.min(stats.size, npyPreambleBytes)),
      path,
    );
    const dataStart = preamble.headerStart + preamble.headerBytes;
    checkLength(path, 'header', dataStart, Math.min(stats.size, dataStart));
    const header = parseNpyHeader(
      readAt(path, file, preamble.headerStart, preamble.headerBytes),
      path,
    );
    checkLength(path, 'data', dataStart + header.dataBytes, stats.size);

    const [rows = 1, ...inner] = header.shape;
    const kept = header.shape.length === 0 ? 1 : Math.min(rows, options.limit ?? rows);
    const rowBytes = rows === 0 ? 0 : header.dataBytes / rows;
    if (kept === rows || header.fortranOrder) {
      const data = toRowMajor(
        header.type.view(readAt(path, file, dataStart, header.dataBytes).buffer),
        header,
      );
      if (kept === rows) return { shape: header.shape, data };
      return {
        shape: [kept, ...inner],
        data: data.slice(0, (kept * rowBytes) / header.type.bytes),
      };
    }
    const bytes = readAt(path, file, dataStart, kept * rowBytes);
    return { shape: [kept, ...inner], data: header.type.view(bytes.buffer) };
  } finally {
    closeSync(file);
  }
}

/**
 * The elements as numbers.
 *
 * Throws  DATA_INVALID for an int64 that a double cannot hold
 */
export function npyNumbers(array: NpyArray, name: string): Float64Array<ArrayBuffer> {
  const { data } = array;
  if (data instanceof Float64Array) return data;
  if (!(data instanceof BigInt64Array)) return Float64Array.from(data);
  return Float64Array.from(data, (value, index) => {
    const number = Number(value);
    if (!Number.isSafeInteger(number)) {
      throw npyError(
        name,
        `element ${index} is ${value}; whole numbers beyond 2^53 are not exact`,
        { index },
      );
    }
    return number;
  });
}

function openFile(path: string): number {
  try {
    return openSync(path, 'r');
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new CipherloomError('FILE_UNREADABLE', `${path} cannot be read: ${reason}`, {
      phase: 'frontend',
      node: path,
      hint: `check that ${path} exists and that this user may read it`,
      cause,
    });
  }
}

/** One read may return less than asked for: Linux stops at 2 GiB. */
function readAt(path: string, file: number, start: number, count: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(count);
  let offset = 0;
  while (offset < count) {
    const read = readSync(file, bytes, offset, Math.min(count - offset, 2 ** 30), start + offset);
    if (read === 0) {
      // It shrank after it was measured; the rest is still zero and must not pass for data.
      throw npyError(path, 'the file became shorter while it was read', { offset: start + offset });
    }
    offset += read;
  }
  return bytes;
}

function checkLength(name: string, part: string, expected: number, actual: number): void {
  if (actual === expected) return;
  const fault = actual < expected ? 'truncated' : 'followed by other bytes';
  throw npyError(name, `the ${part} is ${fault}: ${actual} bytes, expected ${expected}`, {
    expected,
    actual,
  });
}

function toRowMajor(data: NpyData, { shape, fortranOrder }: NpyHeader): NpyData {
  if (!fortranOrder || shape.length < 2 || data.length === 0) return data;
  const strides: number[] = [];
  shape.reduce((stride, extent) => {
    strides.push(stride);
    return stride * extent;
  }, 1);
  const result = data.slice();
  const index = shape.map(() => 0);
  let from = 0;
  for (let to = 0; to < data.length; to += 1) {
    result[to] = data[from]!;
    // Count up in row-major order, carrying from the last axis.
    for (let axis = shape.length - 1; axis >= 0; axis -= 1) {
      from += strides[axis]!;
      index[axis] = index[axis]! + 1;
      if (index[axis]! < shape[axis]!) break;
      from -= strides[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
  return result;
}
