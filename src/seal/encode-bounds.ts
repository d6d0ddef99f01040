/**
 * What may be encoded. SEAL hangs on Infinity, encodes NaN as 0 and wraps silently above the
 * modulus, so every value is checked here first.
 */
import { CipherloomError } from '../errors.ts';
import type { SealContexts } from './contexts.ts';
import { levelModulusBits } from './parameters.ts';

/**
 * Check a vector before it is encoded.
 *
 * The coefficients of an encoded vector are at most max|v|·scale, which must stay under Q/2 of the
 * level. (SEAL itself refuses vectors whose largest coefficient exceeds Q rounded down to a power of
 * two, halved.) Throws INPUT_INVALID with the slot, the value and the limit.
 */
export function requireEncodable(
  contexts: SealContexts,
  values: ArrayLike<number>,
  scale: number,
  primeCount: number,
  what: string,
): void {
  const refuse = (message: string, details: Readonly<Record<string, unknown>>): never => {
    throw new CipherloomError('INPUT_INVALID', `${what}: ${message}`, {
      phase: 'seal',
      node: what,
      details,
      hint: 'bring the values into the declared range; compile with a wider --input-range if it is too narrow',
    });
  };
  if (values.length > contexts.slots) {
    refuse(`${values.length} values do not fit ${contexts.slots} slots`, {
      values: values.length,
      slots: contexts.slots,
    });
  }
  const modulusBits = levelModulusBits(contexts.parameters, primeCount);
  if (!(scale > 0) || !(Math.log2(scale) < modulusBits - 1)) {
    refuse(`scale ${scale} is outside 0 … 2^${(modulusBits - 1).toFixed(1)}`, {
      scale,
      modulusBits,
    });
  }
  const limit = 2 ** Math.min(modulusBits - 1 - Math.log2(scale), 1023);
  for (let slot = 0; slot < values.length; slot++) {
    const value = values[slot]!;
    // Written so that NaN fails.
    if (!(Math.abs(value) < limit)) {
      refuse(`slot ${slot} holds ${value}, the level has room for magnitudes below ${limit}`, {
        slot,
        value: String(value),
        limit,
      });
    }
  }
}
