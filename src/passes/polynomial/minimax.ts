/**
 * Polynomials whose largest error on an interval is least.
 *
 * Remez's exchange: the error of the best polynomial of `terms` terms takes its largest magnitude at
 * `terms + 1` points with alternating signs. From a guess of these points follows a polynomial whose
 * errors there are equal, from its extrema the next guess.
 *
 * Source: E. Remez, "Sur la détermination des polynômes d'approximation de degré donnée", 1934;
 * M. Powell, "Approximation Theory and Methods", 1981, chapters 8 and 9.
 */
import { invariant } from '../../errors.ts';
import { chebyshevAt, monomialsOf } from './chebyshev.ts';

/** Powers that the polynomial has: all, or those of an even or odd function. */
export type Parity = 'even' | 'odd' | null;

export interface Minimax {
  /** Of powers of x, constant term first. */
  readonly coefficients: readonly number[];
  /** Largest magnitude of the error on the interval. */
  readonly error: number;
}

const maxExchanges = 64;
/** Exchanges without a smaller error after which rounding is all that is left. */
const patience = 4;
/** Grid intervals between two points of a reference. */
const gridPerTerm = 16;
/** The largest error may exceed the levelled one, which no polynomial can beat, by this share. */
const tolerance = 1e-11;

/**
 * The polynomial of at most a degree that minimises the largest |p − f| on [lo, hi].
 *
 * With a parity only its powers are used and the interval must lie in x ≥ 0: the mirror image
 * follows. Bounds of the error: the best possible within one part in 10^11, or as near as double
 * precision comes. Cost: some ten exchanges, each a system of `terms` equations and some thousand
 * evaluations of f.
 */
export function minimaxPolynomial(
  f: (x: number) => number,
  [lo, hi]: readonly [number, number],
  degree: number,
  parity: Parity = null,
): Minimax {
  invariant(lo < hi && degree >= 0, 'an interval with an inside, a degree from 0');
  invariant(
    parity === null || lo >= 0,
    'the interval of an even or odd function is its right half',
  );
  // Chebyshev polynomials of −1 … 1: the interval itself, or both halves of a mirrored one.
  const line: readonly [number, number] = parity === null ? [lo, hi] : [-hi, hi];
  const first = parity === 'odd' ? 1 : 0;
  const step = parity === null ? 1 : 2;
  const terms = Math.floor((degree - first) / step) + 1;
  invariant(terms >= 1, 'an odd polynomial has a degree from 1');
  const [middle, half] = [(line[0] + line[1]) / 2, (line[1] - line[0]) / 2];
  const basisAt = (x: number): Float64Array => {
    const all = chebyshevAt((x - middle) / half, first + (terms - 1) * step + 1);
    return Float64Array.from({ length: terms }, (_, k) => all[first + k * step]!);
  };

  let reference = firstReference([lo, hi], terms + 1, parity);
  const grid = chebyshevPoints(lo, hi, gridPerTerm * (terms + 1) + 1);
  let best = { coefficients: new Float64Array(terms), error: Infinity };
  let idle = 0;
  for (let n = 0; n < maxExchanges && idle < patience; n++) {
    const { coefficients, level } = levelled(reference, basisAt, f);
    const errorAt = (x: number): number => {
      const basis = basisAt(x);
      let sum = -f(x);
      for (let k = 0; k < terms; k++) sum += basis[k]! * coefficients[k]!;
      return sum;
    };
    const extrema = extremaOf(errorAt, grid);
    const worst = extrema.reduce((a, b) => (Math.abs(b.value) > Math.abs(a.value) ? b : a));
    const error = Math.abs(worst.value);
    idle = error < best.error ? 0 : idle + 1;
    if (error < best.error) best = { coefficients, error };
    if (error <= Math.abs(level) * (1 + tolerance)) break;
    const next = alternating(extrema, reference.length);
    reference =
      next.length === reference.length
        ? next.map(({ x }) => x)
        : exchangeOne(reference, level, worst);
  }
  const spread = new Float64Array(first + (terms - 1) * step + 1);
  best.coefficients.forEach((coefficient, k) => (spread[first + k * step] = coefficient));
  return { coefficients: monomialsOf(spread, line), error: best.error };
}

/** Points near those of the best polynomial: where Chebyshev polynomials are ±1. */
function firstReference(
  [lo, hi]: readonly [number, number],
  count: number,
  parity: Parity,
): number[] {
  if (parity === null) return chebyshevPoints(lo, hi, count);
  // All terms of an odd polynomial vanish at 0.
  if (parity === 'odd' && lo === 0) return chebyshevPoints(-hi, hi, 2 * count).slice(-count);
  return chebyshevPoints(lo ** 2, hi ** 2, count).map(Math.sqrt);
}

/** Ends and extrema of T_(count − 1) on an interval, ascending. */
function chebyshevPoints(lo: number, hi: number, count: number): number[] {
  return Array.from({ length: count }, (_, k) =>
    k === 0
      ? lo
      : k === count - 1
        ? hi
        : (lo + hi) / 2 - ((hi - lo) / 2) * Math.cos((Math.PI * k) / (count - 1)),
  );
}

/** Coefficients whose errors at the points are +level, −level, … */
function levelled(
  points: readonly number[],
  basisAt: (x: number) => Float64Array,
  f: (x: number) => number,
): { coefficients: Float64Array<ArrayBuffer>; level: number } {
  const rows = points.map((x, k) => Float64Array.from([...basisAt(x), k % 2 === 0 ? 1 : -1, f(x)]));
  const solution = solve(rows);
  const terms = points.length - 1;
  return { coefficients: solution.slice(0, terms), level: solution[terms]! };
}

/** Solve a square system given as rows with the right side last; elimination with row pivots. */
function solve(rows: Float64Array<ArrayBuffer>[]): Float64Array<ArrayBuffer> {
  const size = rows.length;
  for (let column = 0; column < size; column++) {
    let pivot = column;
    for (let row = column + 1; row < size; row++) {
      if (Math.abs(rows[row]![column]!) > Math.abs(rows[pivot]![column]!)) pivot = row;
    }
    [rows[column], rows[pivot]] = [rows[pivot]!, rows[column]!];
    const own = rows[column]!;
    invariant(own[column] !== 0, 'the points of a reference differ');
    for (let row = column + 1; row < size; row++) {
      const other = rows[row]!;
      const factor = other[column]! / own[column]!;
      for (let k = column; k <= size; k++) other[k]! -= factor * own[k]!;
    }
  }
  const solution = new Float64Array(size);
  for (let row = size - 1; row >= 0; row--) {
    let sum = rows[row]![size]!;
    for (let k = row + 1; k < size; k++) sum -= rows[row]![k]! * solution[k]!;
    solution[row] = sum / rows[row]![row]!;
  }
  return solution;
}

interface Extremum {
  readonly x: number;
  readonly value: number;
}

/** Local extrema of the magnitude of a function on a grid, refined between its points. */
function extremaOf(errorAt: (x: number) => number, grid: readonly number[]): Extremum[] {
  const values = grid.map(errorAt);
  const magnitude = (k: number): number => (k in values ? Math.abs(values[k]!) : -1);
  const extrema: Extremum[] = [];
  for (let k = 0; k < grid.length; k++) {
    if (magnitude(k) < magnitude(k - 1) || magnitude(k) <= magnitude(k + 1)) continue;
    const sign = Math.sign(values[k]!);
    const [from, to] = [grid[Math.max(0, k - 1)]!, grid[Math.min(grid.length - 1, k + 1)]!];
    const refined = largest((x) => sign * errorAt(x), from, to);
    const atGrid = { x: grid[k]!, value: values[k]! };
    extrema.push(
      refined.value > sign * atGrid.value ? { ...refined, value: sign * refined.value } : atGrid,
    );
  }
  return extrema;
}

const goldenSection = (Math.sqrt(5) - 1) / 2;

/** The largest value of a function with one maximum between two points. */
function largest(f: (x: number) => number, from: number, to: number): Extremum {
  let [a, b] = [from, to];
  let left = { x: b - goldenSection * (b - a), value: 0 };
  let right = { x: a + goldenSection * (b - a), value: 0 };
  left = { ...left, value: f(left.x) };
  right = { ...right, value: f(right.x) };
  // Near a maximum the value has twice as many good digits as the place.
  while (b - a > 1e-8 * (to - from)) {
    if (left.value > right.value) {
      b = right.x;
      right = left;
      const x = b - goldenSection * (b - a);
      left = { x, value: f(x) };
    } else {
      a = left.x;
      left = right;
      const x = a + goldenSection * (b - a);
      right = { x, value: f(x) };
    }
  }
  return left.value > right.value ? left : right;
}

/**
 * The reference with the worst point in the place of a neighbour whose error has its sign.
 *
 * For references whose errors are level at zero, as those of a mirrored function in mirrored points
 * are: their extrema do not alternate often enough.
 */
function exchangeOne(reference: readonly number[], level: number, worst: Extremum): number[] {
  const after = reference.findIndex((x) => x > worst.x);
  const at = after < 0 ? reference.length : after;
  const signAt = (k: number): number => (k % 2 === 0 ? 1 : -1) * (level < 0 ? 1 : -1);
  const next = [...reference];
  const same = Math.sign(worst.value);
  if (at > 0 && signAt(at - 1) === same) next[at - 1] = worst.x;
  else if (at < reference.length && signAt(at) === same) next[at] = worst.x;
  else if (at === 0) return [worst.x, ...reference.slice(0, -1)];
  else return [...reference.slice(1), worst.x];
  return next;
}

/**
 * At most `count` extrema whose signs alternate, the largest one among them.
 *
 * Of neighbours with one sign the largest stays; of too many, the smaller end goes first.
 */
function alternating(extrema: readonly Extremum[], count: number): Extremum[] {
  const kept: Extremum[] = [];
  for (const extremum of extrema) {
    const last = kept.at(-1);
    if (last === undefined || Math.sign(last.value) !== Math.sign(extremum.value)) {
      kept.push(extremum);
    } else if (Math.abs(extremum.value) > Math.abs(last.value)) {
      kept[kept.length - 1] = extremum;
    }
  }
  while (kept.length > count) {
    if (Math.abs(kept[0]!.value) < Math.abs(kept.at(-1)!.value)) kept.shift();
    else kept.pop();
  }
  return kept;
}
