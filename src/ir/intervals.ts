/** Interval arithmetic of the range rules. */
export type Interval = readonly [number, number];

export function addIntervals([a, b]: Interval, [c, d]: Interval): Interval {
  return [a + c, b + d];
}

export function subtractIntervals([a, b]: Interval, [c, d]: Interval): Interval {
  return [a - d, b - c];
}

export function multiplyIntervals([a, b]: Interval, [c, d]: Interval): Interval {
  const products = [a * c, a * d, b * c, b * d];
  return [Math.min(...products), Math.max(...products)];
}

/** x^n for x in the interval: even powers of an interval around zero start at zero. */
export function powerOfInterval([a, b]: Interval, exponent: number): Interval {
  if (exponent === 0) return [1, 1];
  const x = a ** exponent;
  const y = b ** exponent;
  if (exponent % 2 === 1) return [x, y];
  return [a <= 0 && b >= 0 ? 0 : Math.min(x, y), Math.max(x, y)];
}

/** Sum of c_n x^n: the sum of the monomials' intervals (exact for a single monomial). */
export function polynomialOfInterval(coefficients: readonly number[], x: Interval): Interval {
  return coefficients.reduce<Interval>(
    (sum, coefficient, exponent) =>
      addIntervals(
        sum,
        multiplyIntervals([coefficient, coefficient], powerOfInterval(x, exponent)),
      ),
    [0, 0],
  );
}
