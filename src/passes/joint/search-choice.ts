/**
 * The cheapest combination of candidates, one for each activation, that meets a budget.
 *
 * A smaller degree at one activation may be paid for by a larger one at another, so combinations are
 * measured whole. First those with the same candidate throughout, of which the one that loses least
 * is the reference. A candidate that fails beside the reference's others is taken to fail always:
 * that takes out most. What is left is tried from the cheapest on, so that the first to meet the
 * budget is the cheapest there is. Where there are not enough evaluations for that, the reference is
 * made cheaper step by step instead.
 */

export interface SearchRequest {
  /** Number of candidates of each activation, from the coarsest to the finest. */
  readonly candidates: readonly number[];
  /** Whether a combination can be compiled, as far as its levels tell: asked before any cost, which takes work. */
  readonly fits: (choice: readonly number[]) => boolean;
  /** Modelled cost of a combination; Infinity where it cannot be compiled. */
  readonly cost: (choice: readonly number[]) => number;
  /** Loss of a combination; the budget is met where it is at most `budget`. */
  readonly loss: (choice: readonly number[]) => number;
  readonly budget: number;
  /** Combinations that may be measured. Work, not time, bounds the search. */
  readonly evaluations: number;
}

export interface Measured {
  readonly choice: readonly number[];
  readonly loss: number;
}

export interface SearchResult {
  /** The cheapest that meets the budget, or null. */
  readonly best: Measured | null;
  /** Whether every cheaper one was measured or ruled out. */
  readonly exhaustive: boolean;
  /** All that were measured, in the order in which they were. */
  readonly measured: readonly Measured[];
}

/** Combinations that are listed, to be put in order of their cost. */
const maxListed = 2 ** 16;

export function searchChoice(request: SearchRequest): SearchResult {
  const { candidates, fits, cost, budget, evaluations } = request;
  const known = new Map<string, Measured>();
  const canMeasure = (choice: readonly number[]): boolean =>
    known.has(choice.join()) || known.size < evaluations;
  const measure = (choice: readonly number[]): Measured => {
    const found = known.get(choice.join()) ?? { choice, loss: request.loss(choice) };
    known.set(choice.join(), found);
    return found;
  };
  const meets = ({ loss }: Measured): boolean => loss <= budget;
  const result = (best: Measured | null, exhaustive: boolean): SearchResult => ({
    best,
    exhaustive,
    measured: [...known.values()],
  });

  const uniform = diagonals(request).map(measure);
  if (uniform.length === 0) return result(null, true);
  // More degrees follow an activation more closely, but do not always lose less.
  const top = uniform.reduce((best, own) => (own.loss < best.loss ? own : best));
  const first = meets(top)
    ? floors(top.choice, canMeasure, (choice) => meets(measure(choice)))
    : candidates.map(() => 0);
  const count = candidates.reduce((product, own, k) => product * (own - first[k]!), 1);
  if (count <= maxListed) {
    const listed = combinations(first, candidates)
      .filter(fits)
      .map((choice) => ({ choice, cost: cost(choice) }))
      .filter((own) => Number.isFinite(own.cost))
      .sort((a, b) => a.cost - b.cost);
    // The exact way needs room for all of them; it ends at the first that meets the budget.
    if (listed.length <= evaluations - known.size) {
      for (const { choice } of listed) {
        const found = measure(choice);
        if (meets(found)) return result(found, true);
      }
      return result(null, true);
    }
  }
  if (!meets(top)) return result(null, false);
  return result(descend(top, first, request, canMeasure, measure), false);
}

/** Lower one activation at a time, the one that saves most first, as long as the budget is met. */
function descend(
  top: Measured,
  first: readonly number[],
  { fits, cost, budget }: SearchRequest,
  canMeasure: (choice: readonly number[]) => boolean,
  measure: (choice: readonly number[]) => Measured,
): Measured {
  let best = top;
  for (;;) {
    const lower = best.choice
      .flatMap((own, k) => (own > first[k]! ? [best.choice.with(k, own - 1)] : []))
      .filter(fits)
      .map((choice) => ({ choice, cost: cost(choice) }))
      .filter((own) => own.cost <= cost(best.choice))
      .sort((a, b) => a.cost - b.cost);
    let next: Measured | null = null;
    for (const { choice } of lower) {
      if (!canMeasure(choice)) break;
      const found = measure(choice);
      if (found.loss <= budget) {
        next = found;
        break;
      }
    }
    if (next === null) return best;
    best = next;
  }
}

/** Combinations with the same place in each list that can be compiled, the coarsest first. */
function diagonals({ candidates, fits }: SearchRequest): number[][] {
  return Array.from({ length: Math.max(...candidates) }, (_, place) =>
    candidates.map((count) => Math.min(place, count - 1)),
  ).filter(fits);
}

/** The coarsest candidate of each activation that meets the budget with all others as they are. */
function floors(
  top: readonly number[],
  canMeasure: (choice: readonly number[]) => boolean,
  meets: (choice: readonly number[]) => boolean,
): readonly number[] {
  return top.map((own, k) => {
    let lowest = own;
    while (lowest > 0) {
      const lower = top.with(k, lowest - 1);
      if (!canMeasure(lower) || !meets(lower)) break;
      lowest -= 1;
    }
    return lowest;
  });
}

function combinations(first: readonly number[], end: readonly number[]): number[][] {
  return first.reduce<number[][]>(
    (all, from, k) =>
      all.flatMap((choice) =>
        Array.from({ length: end[k]! - from }, (_, n) => [...choice, from + n]),
      ),
    [[]],
  );
}
