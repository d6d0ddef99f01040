/** Type rule of the sum and the difference of two ciphertexts. */
import type { OpContext } from '../define-op.ts';
import { commonLayout } from '../packed/elementwise.ts';
import type { CiphertextType, Type } from '../types.ts';
import { ciphertext, ciphertextOf, commonLevel, commonScale } from './values.ts';

/** Both have one level and one scale; the result has the larger size, and the bounds of unused slots add up. */
export function sumType(types: readonly Type[], context: OpContext): CiphertextType {
  const operands = types.map(ciphertextOf);
  const size = operands.some((operand) => operand.size === 3) ? 3 : 2;
  const scale = commonScale(
    operands.map((operand) => operand.scale),
    context,
  );
  const layout = commonLayout(types, (a, b) => a + b);
  return ciphertext(layout, size, commonLevel(operands, context), scale);
}
