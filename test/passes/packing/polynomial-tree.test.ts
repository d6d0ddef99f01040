import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { tensor } from '../../../src/ir/tensor.ts';
import {
  polynomialTree,
  treeDepth,
  treeProducts,
} from '../../../src/passes/packing/polynomial-tree.ts';
import type { PolynomialTree } from '../../../src/passes/packing/polynomial-tree.ts';
import { chebyshevToMonomials } from '../../../src/passes/polynomial/chebyshev.ts';
import { minimaxPolynomial } from '../../../src/passes/polynomial/minimax.ts';

const vector = (values: readonly number[]) => tensor([values.length], [...values]);
const horner = (values: readonly number[], x: number): number =>
  values.reduceRight((sum, value) => sum * x + value, 0);

/** The value of a tree at x, and the largest value that occurs on the way. */
function evaluate(tree: PolynomialTree, x: number): { value: number; largest: number } {
  const done = new Map<PolynomialTree, number>();
  let largest = 0;
  const visit = (node: PolynomialTree): number => {
    const known = done.get(node);
    if (known !== undefined) return known;
    const value = compute(node);
    largest = Math.max(largest, Math.abs(value));
    done.set(node, value);
    return value;
  };
  const compute = (node: PolynomialTree): number => {
    switch (node.kind) {
      case 'x':
        return x;
      case 'square':
        return visit(node.of) ** 2;
      case 'product':
        return visit(node.a) * visit(node.b);
      case 'sum':
        return visit(node.a) + visit(node.b);
      case 'scaled':
        return visit(node.of) * node.by.data[0]!;
      case 'shifted':
        return visit(node.of) + node.by.data[0]!;
    }
  };
  return { value: visit(tree), largest };
}

const coefficients = (degrees: { min: number; max: number }) =>
  fc
    .array(fc.double({ min: -1, max: 1, noNaN: true }), {
      minLength: degrees.min + 1,
      maxLength: degrees.max + 1,
    })
    .map((values) => [...values.slice(0, -1), values.at(-1)! < 0 ? -0.75 : 0.75]);

describe('polynomialTree', () => {
  it('computes the polynomial, by least depth', () => {
    fc.assert(
      fc.property(
        coefficients({ min: 1, max: 33 }),
        fc.constantFrom(Infinity, 1, 0.5, 2, 1.9),
        fc.double({ min: -1, max: 1, noNaN: true }),
        (values, magnitude, u) => {
          const x = u * Math.min(1, magnitude);
          const tree = polynomialTree(vector(values), magnitude);
          const size = values.reduce((sum, value) => sum + Math.abs(value), 0);
          const error = Math.abs(evaluate(tree, x).value - horner(values, x));
          expect(error).toBeLessThan(1e-11 * size);
          expect(treeDepth(tree)).toBe(Math.ceil(Math.log2(values.length)));
        },
      ),
      { numRuns: 300 },
    );
  });

  it('computes sums of Chebyshev polynomials in their own terms, which stay small', () => {
    fc.assert(
      fc.property(
        coefficients({ min: 12, max: 31 }),
        fc.double({ min: -1, max: 1, noNaN: true }),
        (values, x) => {
          const tree = polynomialTree(vector(chebyshevToMonomials(Float64Array.from(values))), 1);
          // Σ a_n T_n by Clenshaw's rule.
          let [b1, b2] = [0, 0];
          for (let n = values.length - 1; n > 0; n--) [b1, b2] = [values[n]! + 2 * x * b1 - b2, b1];
          const wanted = values[0]! + x * b1 - b2;
          const { value, largest } = evaluate(tree, x);
          // What conversion from powers costs: their largest coefficient in double precision.
          expect(Math.abs(value - wanted)).toBeLessThan(2 ** (1.3 * values.length - 50));
          expect(largest).toBeLessThan(4 * values.length);
        },
      ),
      { numRuns: 200 },
    );
  });

  it.each([
    [15, 8],
    [31, 13],
  ])('takes for degree %i %i products', (degree, products) => {
    const values = Array.from({ length: degree + 1 }, (_, n) => 1 / (n + 2));
    expect(treeProducts(polynomialTree(vector(values)))).toBe(products);
    const { coefficients: relu } = minimaxPolynomial((x) => Math.max(0, x), [-1, 1], degree);
    const full = [...relu.slice(0, 3), 0.01, ...relu.slice(4)];
    expect(treeProducts(polynomialTree(vector(full), 1))).toBeLessThanOrEqual(products);
  });

  it('leaves a leading coefficient of one its level where powers of two are squared', () => {
    for (const magnitude of [Infinity, 2]) {
      const values = [0.1, 0.5, -0.5, 0.25, 0.5, 0.125, 0.5, 0.25, 1];
      expect(treeDepth(polynomialTree(vector(values), magnitude))).toBe(3);
    }
  });

  it('takes powers where the argument does not fill the interval', () => {
    const { coefficients: relu } = minimaxPolynomial((x) => Math.max(0, x), [-1, 1], 31);
    const inPowers = treeProducts(polynomialTree(vector(relu)));
    expect(treeProducts(polynomialTree(vector(relu), 3))).toBe(inPowers);
    const { largest } = evaluate(polynomialTree(vector(relu), 3), 1);
    expect(largest).toBeGreaterThan(2 ** 20);
    expect(evaluate(polynomialTree(vector(relu), 1), 1).largest).toBeLessThan(2 ** 3);
  });
});
