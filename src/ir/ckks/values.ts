/** Type rules shared by ckks operations: levels and scales are null until they are chosen. */
import { CipherloomError, invariant } from '../../errors.ts';
import type { Layout } from '../../layout/layout.ts';
import type { OpContext } from '../define-op.ts';
import { equal, toText } from '../rational.ts';
import type { Rational } from '../rational.ts';
import type { CiphertextType, Type } from '../types.ts';

export function ciphertextOf(type: Type | undefined): CiphertextType {
  invariant(type?.kind === 'ciphertext', 'ckks operators work on ciphertexts');
  return type;
}

function typeError(context: OpContext, message: string, details: Record<string, unknown>): never {
  throw new CipherloomError('IR_INVALID', message, {
    phase: 'ckks',
    node: context.location ?? undefined,
    details,
  });
}

/** The level that all operands share. */
export function commonLevel(
  operands: readonly CiphertextType[],
  context: OpContext,
): number | null {
  const levels = new Set(operands.map((operand) => operand.level));
  if (levels.size > 1) {
    typeError(context, `operands have the levels ${[...levels].join(' and ')}`, {
      levels: [...levels],
    });
  }
  return operands[0]?.level ?? null;
}

/** The scale that all operands share, exactly; null while one of them is not chosen. */
export function commonScale(
  scales: readonly (Rational | null)[],
  context: OpContext,
): Rational | null {
  const known = scales.filter((scale) => scale !== null);
  const [first] = known;
  if (first === undefined || known.length < scales.length) return null;
  if (known.some((scale) => !equal(first, scale))) {
    typeError(context, 'operands have different scales', { scales: known.map(toText) });
  }
  return first;
}

/**
 * Refuse operands that are not relinearised.
 *
 * Before levels are chosen relinearisations are not placed yet, and any size passes.
 */
export function requireSize2(operands: readonly CiphertextType[], context: OpContext): void {
  if (operands.some((operand) => operand.size !== 2 && operand.level !== null)) {
    typeError(context, 'operands must be relinearised first', {
      sizes: operands.map((o) => o.size),
    });
  }
}

export function ciphertext(
  layout: Layout,
  size: 2 | 3,
  level: number | null,
  scale: Rational | null,
): CiphertextType {
  return { kind: 'ciphertext', layout, range: null, size, level, scale };
}
