import { invariant } from '../../errors.ts';
import { npyMagic, npyTypes, type NpyArray, type NpyData } from './npy-format.ts';

/** numpy aligns the elements to this many bytes, so that they can be mapped. */
const alignment = 64;

/** The bytes of a `.npy` file, version 1.0, as numpy writes it: the same array gives the same bytes. */
export function formatNpy({ shape, data }: NpyArray): Uint8Array<ArrayBuffer> {
  const elements = shape.reduce((product, extent) => product * extent, 1);
  invariant(
    elements === data.length,
    `${data.length} elements for the shape (${shape.join(', ')})`,
  );
  const header = formatNpyHeader(descrOf(data), shape);
  const bytes = new Uint8Array(header.length + data.byteLength);
  bytes.set(header);
  bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), header.length);
  return bytes;
}

/** What stands before the elements, for an array too large to hold at once. */
export function formatNpyHeader(descr: string, shape: readonly number[]): Uint8Array<ArrayBuffer> {
  const tuple = shape.length === 1 ? `(${shape.join()},)` : `(${shape.join(', ')})`;
  const dictionary = `{'descr': '${descr}', 'fortran_order': False, 'shape': ${tuple}, }`;
  const start = npyMagic.length + 4;
  const dataStart = Math.ceil((start + dictionary.length + 1) / alignment) * alignment;
  const text = `${dictionary.padEnd(dataStart - start - 1)}\n`;

  const header = new Uint8Array(dataStart);
  header.set(npyMagic);
  header.set([1, 0, text.length & 0xff, text.length >> 8], npyMagic.length);
  header.set(new TextEncoder().encode(text), start);
  return header;
}

function descrOf(data: NpyData): string {
  if (data instanceof Float32Array) return npyTypes.float32.descr;
  if (data instanceof Float64Array) return npyTypes.float64.descr;
  if (data instanceof BigInt64Array) return npyTypes.int64.descr;
  if (data instanceof Int32Array) return npyTypes.int32.descr;
  return npyTypes.uint8.descr;
}
