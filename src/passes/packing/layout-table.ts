import { layoutBeforeFold, mostCopies } from '../../ir/packed/diagonals.ts';
import type { Fold } from '../../ir/packed/diagonals.ts';
import type { Layout } from '../../layout/layout.ts';
import { isValid } from './candidates.ts';

/** What is asked of layouts again and again, computed once for all that are alike. */
export function layoutTable(): {
  readonly keyOf: (layout: Layout) => string;
  /** One object for all layouts that are alike. */
  readonly unique: (layout: Layout) => Layout;
  /** Whether every rule of layouts holds. */
  readonly isValidOnce: (layout: Layout) => boolean;
  /** The most copies of an element, without those that a fold makes by itself. */
  readonly mostCopiesOf: (layout: Layout, fold: Fold | null) => number;
} {
  const keys = new WeakMap<Layout, string>();
  const layouts = new Map<string, Layout>();
  const validity = new Map<string, boolean>();
  const copies = new Map<string, number>();
  const keyOf = (layout: Layout): string => {
    const key = keys.get(layout) ?? JSON.stringify(layout);
    keys.set(layout, key);
    return key;
  };
  return {
    keyOf,
    unique(layout) {
      const key = keyOf(layout);
      const known = layouts.get(key) ?? layout;
      layouts.set(key, known);
      return known;
    },
    isValidOnce(layout) {
      const key = keyOf(layout);
      const valid = validity.get(key) ?? isValid(layout);
      validity.set(key, valid);
      return valid;
    },
    mostCopiesOf(layout, fold) {
      const key = `${keyOf(layout)}|${JSON.stringify(fold)}`;
      const count = copies.get(key) ?? mostCopies(layoutBeforeFold(layout, fold));
      copies.set(key, count);
      return count;
    },
  };
}
