/** Type rule of operations that work slot by slot on two values of one layout. */
import { invariant } from '../../errors.ts';
import { samePlaces } from '../../layout/layout.ts';
import type { Layout } from '../../layout/layout.ts';
import type { Type } from '../types.ts';
import { slottedType, unusedBound, unusedOf } from './values.ts';

/** The common layout of two operands, its unused slots bounded by `combine` of theirs. */
export function commonLayout(
  operands: readonly Type[],
  combine: (a: number, b: number) => number,
): Layout {
  const a = slottedType(operands[0]).layout;
  const b = slottedType(operands[1]).layout;
  invariant(samePlaces(a, b), 'both operands have the same layout');
  return { ...a, unused: unusedOf(combine(unusedBound(a), unusedBound(b))) };
}
