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
  const tuple = shape.length === 1 ? `(${shape.join()},)` : `(${shape.join(', ')})`;
  const dictionary = `{'descr': '${descrOf(data)}', 'fortran_order': False, 'shape': ${tuple}, }`;
  const start = npyMagic.length + 4;
  const dataStart = Math.ceil((start + dictionary.length + 1) / alignment) * alignment;
  const header = `${dictionary.padEnd(dataStart - start - 1)}\n`;

  const bytes = new Uint8Array(dataStart + data.byteLength);
  bytes.set(npyMagic);
  bytes.set([1, 0, header.length & 0xff, header.length >> 8], npyMagic.length);
  bytes.set(new TextEncoder().encode(header), start);
  bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), dataStart);
  return bytes;
}

function descrOf(data: NpyData): string {
  if (data instanceof Float32Array) return npyTypes.float32.descr;
  if (data instanceof Float64Array) return npyTypes.float64.descr;
  if (data instanceof BigInt64Array) return npyTypes.int64.descr;
  if (data instanceof Int32Array) return npyTypes.int32.descr;
  return npyTypes.uint8.descr;
}
