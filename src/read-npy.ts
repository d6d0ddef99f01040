/** Reading npy files for the public interface. */
import { npyNumbers, parseNpy } from './frontend/npy/read-npy.ts';

/**
 * Read an npy file: its shape, and its elements as doubles in row-major order.
 *
 * Throws DATA_INVALID naming the field and the byte.
 */
export function readNpy(
  bytes: Uint8Array,
  name = 'npy',
): { readonly shape: readonly number[]; readonly data: Float64Array<ArrayBuffer> } {
  const array = parseNpy(bytes, name);
  return { shape: array.shape, data: npyNumbers(array, name) };
}
