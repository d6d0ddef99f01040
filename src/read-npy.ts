/** Reading npy and npz files for the public interface. */
import type { NpyArray } from './frontend/npy/npy-format.ts';
import { npyNumbers, parseNpy } from './frontend/npy/read-npy.ts';
import { openNpz } from './frontend/npy/read-npz.ts';

export interface NumberArray {
  readonly shape: readonly number[];
  /** Row-major. */
  readonly data: Float64Array<ArrayBuffer>;
}

/**
 * Read an npy file: its shape, and its elements as doubles in row-major order.
 *
 * Throws DATA_INVALID naming the field and the byte.
 */
export function readNpy(bytes: Uint8Array, name = 'npy'): NumberArray {
  return numbersOf(parseNpy(bytes, name), name);
}

/**
 * Read an npz archive: its arrays by name, without `.npy`.
 *
 * Throws DATA_INVALID naming the entry and the byte, RESOURCE_LIMIT for more than 2 GiB.
 */
export function readNpz(bytes: Uint8Array, name = 'npz'): Map<string, NumberArray> {
  const archive = openNpz(bytes, name);
  return new Map(
    archive.names.map((entry) => [entry, numbersOf(archive.read(entry), `${name}: ${entry}`)]),
  );
}

function numbersOf(array: NpyArray, name: string): NumberArray {
  return { shape: array.shape, data: npyNumbers(array, name) };
}
