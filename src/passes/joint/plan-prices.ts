/**
 * Prices of combinations of degrees: estimates, put right by what compiled plans turn out to cost.
 *
 * An estimate takes the smallest ring with enough levels. A plan whose precision does not hold there
 * takes a larger one, and so do, as far as is known, those with as many levels and as large a degree.
 */
import type { PlanPrice } from '../define-pass.ts';
import type { DegreePrice, DegreePrices } from './price-degrees.ts';

/** A price, and whether it is that of a compiled plan. */
export interface CombinationPrice extends DegreePrice {
  readonly compiled: boolean;
}

export interface PlanPrices {
  /** Whether a ring has room, as far as is known. Cost: none of a price. */
  fits(degrees: readonly number[]): boolean;
  of(degrees: readonly number[]): CombinationPrice;
  /** Replace an estimate by the price of the plan; null where there is none. */
  learn(degrees: readonly number[], plan: PlanPrice | null): void;
  /** How many plans were compiled. */
  compiled(): number;
  /** The degrees of the cheapest plan that was compiled; null for none. */
  cheapestPlan(): readonly number[] | null;
  /** The first degrees that make no plan; null for none. */
  refused(): readonly number[] | null;
}

interface Learned {
  readonly degrees: readonly number[];
  readonly price: CombinationPrice;
  readonly largestDegree: number;
  /** Price of the plan over its estimate at the same ring; null where there is no plan. */
  readonly ratio: number | null;
}

export function planPrices(estimates: DegreePrices): PlanPrices {
  const learned = new Map<string, Learned>();
  const leastRing = (degrees: readonly number[], levels: number): number => {
    const largest = Math.max(...degrees);
    return [...learned.values()]
      .filter(({ price, largestDegree }) => levels >= price.levels && largest >= largestDegree)
      .reduce((ring, { price }) => Math.max(ring, price.ringDegree ?? Infinity), 0);
  };
  /** The geometric mean of what plans cost more than their estimates. */
  const correction = (): number => {
    const ratios = [...learned.values()].flatMap(({ ratio }) => (ratio === null ? [] : [ratio]));
    const sum = ratios.reduce((total, ratio) => total + Math.log(ratio), 0);
    return Math.exp(sum / Math.max(1, ratios.length));
  };
  return {
    fits(degrees) {
      const known = learned.get(degrees.join());
      if (known !== undefined) return known.price.ringDegree !== null;
      const { levels } = estimates.room(degrees);
      return estimates.room(degrees, leastRing(degrees, levels)).ringDegree !== null;
    },
    of(degrees) {
      const known = learned.get(degrees.join());
      if (known !== undefined) return known.price;
      const { levels } = estimates.room(degrees);
      const price = estimates.of(degrees, leastRing(degrees, levels));
      return { ...price, seconds: price.seconds * correction(), compiled: false };
    },
    learn(degrees, plan) {
      const estimate = estimates.of(degrees, plan?.ringDegree ?? 0);
      learned.set(degrees.join(), {
        degrees,
        price: {
          seconds: plan?.seconds ?? Infinity,
          ringDegree: plan?.ringDegree ?? null,
          levels: estimate.levels,
          compiled: plan !== null,
        },
        largestDegree: Math.max(...degrees),
        ratio: plan === null ? null : plan.seconds / estimate.seconds,
      });
    },
    compiled: () => learned.size,
    cheapestPlan() {
      const plans = [...learned.values()].filter(({ price }) => price.compiled);
      return plans.sort((a, b) => a.price.seconds - b.price.seconds)[0]?.degrees ?? null;
    },
    refused: () => [...learned.values()].find(({ price }) => !price.compiled)?.degrees ?? null,
  };
}
