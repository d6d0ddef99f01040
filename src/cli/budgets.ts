/** A figure of a plan and what it must hold. */
export interface Budget {
  /** Name of the figure, as in the JSON of other commands. */
  readonly name: string;
  /** The option that set the limit. */
  readonly option: string;
  readonly limit: number;
  /** Null where the figure is not known: then the budget is missed. */
  readonly figure: number | null;
  /** Whether the limit is the least or the most that is allowed. */
  readonly bound: 'least' | 'most';
}

/** The budgets that do not hold. */
export function missedBudgets(budgets: readonly Budget[]): Budget[] {
  return budgets.filter((budget) => !holds(budget));
}

export function holds({ figure, limit, bound }: Budget): boolean {
  if (figure === null) return false;
  return bound === 'least' ? figure >= limit : figure <= limit;
}
