/**
 * How a polynomial is evaluated on ciphertexts: an expression of least depth.
 *
 * Paterson–Stockmeyer by powers of two: p = x^k · q + r with k the largest power of two that leaves
 * q a polynomial, so that degree d takes ⌈log2(d + 1)⌉ levels, and ⌈log2 d⌉ where the leading
 * coefficient is one (fold-polynomials sees to that). Where a level is to spare, q and r of low
 * degree are sums of small powers, which all of them share: fewer products.
 *
 * From degree 8 on the powers may be replaced by C_k(x) = 2 T_k(x / 2), Chebyshev polynomials that
 * stay within [−2, 2] where x does: coefficients of powers grow as 2^d, and cancel.
 *
 * Source: Paterson, Stockmeyer, SIAM J. Comput. 2(1), 1973; depth as in Lattigo's polynomial
 * evaluation, ⌈log2(d + 1)⌉; the basis after Bossuat et al., "Efficient bootstrapping for
 * approximate homomorphic encryption with non-sparse keys", EUROCRYPT 2021.
 */
import { invariant } from '../../errors.ts';
import type { Tensor } from '../../ir/tensor.ts';
import { polynomialTerms } from '../../ir/polynomial.ts';
import { chebyshevBasis, chebyshevForm } from './chebyshev-form.ts';

export type PolynomialTree =
  | { readonly kind: 'x' }
  | { readonly kind: 'square'; readonly of: PolynomialTree }
  | { readonly kind: 'product'; readonly a: PolynomialTree; readonly b: PolynomialTree }
  | { readonly kind: 'sum'; readonly a: PolynomialTree; readonly b: PolynomialTree }
  | { readonly kind: 'scaled'; readonly of: PolynomialTree; readonly by: Tensor }
  | { readonly kind: 'shifted'; readonly of: PolynomialTree; readonly by: Tensor };

/** Polynomials B_1, B_2, … that sums are written in, B_1 the argument. */
export interface PolynomialBasis {
  /** B_2k from B_k, k a power of two. */
  readonly double: (half: PolynomialTree) => PolynomialTree;
  /** p = B_k · quotient + rest, for a degree from k + 1 to 2k; the rest has k terms. */
  readonly divide: (
    terms: readonly Tensor[],
    k: number,
  ) => { readonly quotient: readonly Tensor[]; readonly rest: readonly Tensor[] };
}

const powerBasis: PolynomialBasis = {
  double: (of) => ({ kind: 'square', of }),
  divide: (terms, k) => ({ quotient: terms.slice(k), rest: terms.slice(0, k) }),
};

const isZero = (term: Tensor | undefined): boolean =>
  term?.data.every((value) => value === 0) ?? true;
const isOne = (term: Tensor | undefined): boolean =>
  term?.data.every((value) => value === 1) ?? false;

const degreeOfTerms = (terms: readonly Tensor[]): number =>
  terms.findLastIndex((term) => !isZero(term));

/** The shortest form of a coefficient: one number where all elements agree. */
function compact(term: Tensor): Tensor {
  const [first = 0] = term.data;
  return term.data.every((value) => value === first)
    ? { shape: [], data: Float64Array.of(first) }
    : term;
}

const shifted = (tree: PolynomialTree, by: Tensor | undefined): PolynomialTree =>
  isZero(by) ? tree : { kind: 'shifted', of: tree, by: compact(by!) };

/** How many polynomials of the basis sums may take, the fewest products chosen. */
const sumSizes = [2, 4, 8];

/**
 * The evaluation tree of a polynomial of degree ≥ 1 whose argument has at most a magnitude.
 *
 * Without the magnitude, or where nothing is gained, powers are the basis. Cost: degree² times the
 * elements of a coefficient.
 */
export function polynomialTree(coefficients: Tensor, magnitude = Infinity): PolynomialTree {
  const terms = polynomialTerms(coefficients);
  const form = chebyshevForm(terms, magnitude);
  if (form === null) return shortestTree(terms, powerBasis, { kind: 'x' });
  // Twice a value is a sum, and takes no level.
  let x: PolynomialTree = { kind: 'x' };
  for (let n = 0; n < form.doublings; n++) x = { kind: 'sum', a: x, b: x };
  return shortestTree(form.terms, chebyshevBasis, x);
}

/** The tree of fewest products among those of least depth. */
function shortestTree(
  terms: readonly Tensor[],
  basis: PolynomialBasis,
  x: PolynomialTree,
): PolynomialTree {
  const [plain, ...others] = sumSizes.map((size) => treeIn(terms, basis, x, size));
  invariant(plain !== undefined, 'a tree with sums of one term');
  const depth = treeDepth(plain);
  return others.reduce(
    (best, tree) =>
      treeDepth(tree) <= depth && treeProducts(tree) < treeProducts(best) ? tree : best,
    plain,
  );
}

/** The tree in a basis, with sums of B_1 … B_(sumSize − 1) where they do not deepen it. */
function treeIn(
  terms: readonly Tensor[],
  basis: PolynomialBasis,
  x: PolynomialTree,
  sumSize: number,
): PolynomialTree {
  const elements = new Map<number, PolynomialTree>([[1, x]]);
  const element = (n: number): PolynomialTree => {
    const known = elements.get(n);
    if (known !== undefined) return known;
    const top = 2 ** Math.floor(Math.log2(n));
    const tree: PolynomialTree =
      top === n
        ? basis.double(element(n / 2))
        : { kind: 'product', a: element(top), b: element(n - top) };
    elements.set(n, tree);
    return tree;
  };
  /** Coefficients of products of B_1, B_2, B_4 …, of which `element` is made. */
  const spread = (own: readonly Tensor[]): readonly Tensor[] => {
    if (own.length <= 2) return own;
    const k = 2 ** Math.floor(Math.log2(own.length - 1));
    const { quotient, rest } = basis.divide(own, k);
    return [...spread(rest), ...spread(quotient)];
  };
  const build = (own: readonly Tensor[], levels: number): PolynomialTree | null => {
    const degree = degreeOfTerms(own);
    if (degree <= 0) return null;
    const leading = own[degree];
    const powerOfTwo = (degree & (degree - 1)) === 0;
    if (powerOfTwo && isOne(leading) && degreeOfTerms(own.slice(1, degree)) < 0) {
      return shifted(element(degree), own[0]);
    }
    const deepest = Math.ceil(Math.log2(degree));
    if (degree === 1 || (degree < sumSize && levels > deepest)) {
      return sumOf(spread(own.slice(0, degree + 1)), element);
    }
    let k = 2 ** Math.floor(Math.log2(degree));
    // q must not be a constant: B_k · c costs the level that (c B_(k/2)) B_(k/2) does not.
    if (k === degree) k /= 2;
    const { quotient, rest } = basis.divide(own.slice(0, degree + 1), k);
    const factor = build(quotient, levels - 1);
    invariant(factor !== null, 'the quotient has degree ≥ 1');
    const product: PolynomialTree = { kind: 'product', a: element(k), b: factor };
    const others = build(rest, levels);
    return others === null ? shifted(product, rest[0]) : { kind: 'sum', a: product, b: others };
  };
  const degree = degreeOfTerms(terms);
  const tree = build(terms, Math.ceil(Math.log2(degree + 1)));
  invariant(tree !== null, 'a polynomial operation has degree ≥ 1');
  return tree;
}

/** A constant and a sum of scaled elements. */
function sumOf(terms: readonly Tensor[], element: (n: number) => PolynomialTree): PolynomialTree {
  const scaled = terms.flatMap((by, n): PolynomialTree[] => {
    if (n === 0 || isZero(by)) return [];
    return [
      isOne(by) && terms.length === 2
        ? element(n)
        : { kind: 'scaled', of: element(n), by: compact(by) },
    ];
  });
  return shifted(
    scaled.reduce((a, b) => ({ kind: 'sum', a, b })),
    terms[0],
  );
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
