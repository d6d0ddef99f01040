/**
 * How a polynomial is evaluated on ciphertexts: an expression of least depth.
 *
 * Paterson–Stockmeyer by powers of two: p = x^k · q + r with k the largest power of two that leaves
 * q a polynomial, so that degree d takes ⌈log2(d + 1)⌉ levels, and ⌈log2 d⌉ where the leading
 * coefficient is one (fold-polynomials sees to that).
 *
 * Source: Paterson, Stockmeyer, SIAM J. Comput. 2(1), 1973; depth as in Lattigo's polynomial
 * evaluation, ⌈log2(d + 1)⌉.
 */
import { invariant } from '../../errors.ts';

import type { Tensor } from '../../ir/tensor.ts';
import { polynomialTerms } from '../../ir/polynomial.ts';

export type PolynomialTree =
  | { readonly kind: 'x' }
  | { readonly kind: 'square'; readonly of: PolynomialTree }
  | { readonly kind: 'product'; readonly a: PolynomialTree; readonly b: PolynomialTree }
  | { readonly kind: 'sum'; readonly a: PolynomialTree; readonly b: PolynomialTree }
  | { readonly kind: 'scaled'; readonly of: PolynomialTree; readonly by: Tensor }
  | { readonly kind: 'shifted'; readonly of: PolynomialTree; readonly by: Tensor };

const isZero = (term: Tensor | undefined): boolean =>
  term?.data.every((value) => value === 0) ?? true;
const isOne = (term: Tensor | undefined): boolean =>
  term?.data.every((value) => value === 1) ?? false;

/** The shortest form of a coefficient: one number where all elements agree. */
function compact(term: Tensor): Tensor {
  const [first = 0] = term.data;
  return term.data.every((value) => value === first)
    ? { shape: [], data: Float64Array.of(first) }
    : term;
}

/** The evaluation tree of a polynomial of degree ≥ 1. */
export function polynomialTree(coefficients: Tensor): PolynomialTree {
  const powers = new Map<number, PolynomialTree>([[1, { kind: 'x' }]]);
  const power = (n: number): PolynomialTree => {
    const known = powers.get(n);
    if (known !== undefined) return known;
    const tree: PolynomialTree = { kind: 'square', of: power(n / 2) };
    powers.set(n, tree);
    return tree;
  };
  const shifted = (tree: PolynomialTree | null, by: Tensor | undefined): PolynomialTree | null =>
    tree === null || by === undefined || isZero(by)
      ? tree
      : { kind: 'shifted', of: tree, by: compact(by) };

  const build = (terms: readonly Tensor[]): PolynomialTree | null => {
    const degree = terms.findLastIndex((term) => !isZero(term));
    if (degree <= 0) return null;
    const leading = terms[degree];
    invariant(leading !== undefined, 'a polynomial has a leading term');
    const powerOfTwo = (degree & (degree - 1)) === 0;
    const lower = terms.slice(0, degree);
    if (powerOfTwo && isOne(leading) && lower.slice(1).every((term) => isZero(term))) {
      return shifted(power(degree), terms[0]);
    }
    if (degree === 1) {
      const x: PolynomialTree = { kind: 'x' };
      const scaled: PolynomialTree = isOne(leading)
        ? x
        : { kind: 'scaled', of: x, by: compact(leading) };
      return shifted(scaled, terms[0]);
    }
    let k = 2 ** Math.floor(Math.log2(degree));
    // q must not be a constant: x^k · c costs the level that (c x^(k/2)) x^(k/2) does not.
    if (k === degree) k /= 2;
    const quotient = build(terms.slice(k, degree + 1));
    const rest = build(terms.slice(0, k));
    invariant(quotient !== null, 'the quotient has degree ≥ 1');
    const product: PolynomialTree = { kind: 'product', a: power(k), b: quotient };
    const sum: PolynomialTree = rest === null ? product : { kind: 'sum', a: product, b: rest };
    return rest === null ? (shifted(sum, terms[0]) ?? sum) : sum;
  };
  const tree = build(polynomialTerms(coefficients));
  invariant(tree !== null, 'a polynomial operation has degree ≥ 1');
  return tree;
}

/** Levels (rescales in sequence) that a tree uses. */
export function treeDepth(tree: PolynomialTree): number {
  switch (tree.kind) {
    case 'x':
      return 0;
    case 'square':
      return treeDepth(tree.of) + 1;
    case 'product':
      return Math.max(treeDepth(tree.a), treeDepth(tree.b)) + 1;
    case 'sum':
      return Math.max(treeDepth(tree.a), treeDepth(tree.b));
    case 'scaled':
      return treeDepth(tree.of) + 1;
    case 'shifted':
      return treeDepth(tree.of);
  }
}

/** Products of two ciphertexts in a tree, shared powers counted once. */
export function treeProducts(tree: PolynomialTree, seen = new Set<PolynomialTree>()): number {
  if (seen.has(tree)) return 0;
  seen.add(tree);
  switch (tree.kind) {
    case 'x':
      return 0;
    case 'square':
      return treeProducts(tree.of, seen) + 1;
    case 'product':
      return treeProducts(tree.a, seen) + treeProducts(tree.b, seen) + 1;
    case 'sum':
      return treeProducts(tree.a, seen) + treeProducts(tree.b, seen);
    case 'scaled':
    case 'shifted':
      return treeProducts(tree.of, seen);
  }
}
