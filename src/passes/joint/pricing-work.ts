/** The work that prices of combinations of degrees may take, all together: counted, never timed. */
import { limitedWork, WorkExceeded } from '../work-budget.ts';
import type { WorkBudget } from '../work-budget.ts';

/**
 * Steps and bytes. A plan of LeNet's size takes 2^31 steps; ResNet-20 in the largest ring takes more
 * than all of these for the first, and is priced by rings and levels then.
 */
const limits = { steps: 2 ** 36, bytes: 2 ** 32 } as const;

export interface PricingWork {
  /** For the passes that a price runs. */
  readonly budget: WorkBudget;
  /** What `find` finds; 'given up' where this work is used up, now or before. */
  attempt<T>(find: () => T): T | 'given up';
}

/** A limit of its own, spent from what the compilation may do as well. Throws as `outer` does. */
export function pricingWork(outer: WorkBudget | undefined, most = limits): PricingWork {
  const own = limitedWork(most);
  let exceeded: WorkExceeded | null = null;
  const within = (work: () => void): void => {
    try {
      work();
    } catch (error) {
      if (error instanceof WorkExceeded) exceeded = error;
      throw error;
    }
  };
  return {
    budget: {
      spend(steps) {
        outer?.spend(steps);
        within(() => {
          own.spend(steps);
        });
      },
      hold(bytes) {
        outer?.hold(bytes);
        within(() => {
          own.hold(bytes);
        });
      },
    },
    attempt(find) {
      if (exceeded !== null) return 'given up';
      try {
        return find();
      } catch (error) {
        if (error !== exceeded) throw error;
        return 'given up';
      }
    },
  };
}
