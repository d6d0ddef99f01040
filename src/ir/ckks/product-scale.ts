/** Scale of a ciphertext times a plaintext. */
import { fromText, multiply } from '../rational.ts';
import type { Rational } from '../rational.ts';
import type { CiphertextType } from '../types.ts';

/** Null while one of the two is not chosen. */
export function productScale(
  { scale }: CiphertextType,
  plainScale: string | null,
): Rational | null {
  return scale === null || plainScale === null ? null : multiply(scale, fromText(plainScale));
}
