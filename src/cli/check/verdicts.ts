import { CipherloomError } from '../../errors.ts';
import { holds, type Budget } from '../budgets.ts';
import { byteText, bitText, numberText, shareText, timeText } from '../text/figures.ts';
import { budgetFigures, type BudgetFigure, type FigureName } from './budget-figures.ts';
import type { FoundFigure } from './collect-figures.ts';
import type { GivenLimit } from './read-budgets.ts';

/** A figure held against a limit: of a budget, or of an earlier report with its tolerance. */
export interface Verdict extends Budget {
  readonly kind: 'budget' | 'baseline';
  readonly unit: BudgetFigure['unit'];
  readonly figure: number;
  /** How the figure is known. */
  readonly source: string;
  readonly met: boolean;
  /** ONNX nodes that it is about. */
  readonly nodes: readonly string[];
}

/**
 * Hold each budgeted figure against its limit.
 *
 * Throws  FIGURE_UNKNOWN for a budget of a figure that is not known: it would pass unseen
 */
export function judgeBudgets(
  limits: ReadonlyMap<string, GivenLimit>,
  found: Readonly<Record<FigureName, FoundFigure>>,
): Verdict[] {
  return budgetFigures.flatMap(({ name, key, bound, unit }) => {
    const given = limits.get(key);
    if (given === undefined) return [];
    const figure = found[name];
    if (figure.value === null) throw unknownFigure(name, given, figure);
    const budget = { name, option: given.option, limit: given.limit, figure: figure.value, bound };
    const { source, nodes } = figure;
    return [{ ...budget, kind: 'budget' as const, unit, source, nodes, met: holds(budget) }];
  });
}

function unknownFigure(
  name: string,
  { limit, option }: GivenLimit,
  { reason, hint }: { readonly reason: string; readonly hint: string },
): CipherloomError {
  return new CipherloomError(
    'FIGURE_UNKNOWN',
    `${option} ${limit} cannot be checked: ${name} is not known, since ${reason}`,
    { phase: 'check', node: name, details: { option, limit, figure: null }, hint },
  );
}

/** `latencyMs is 371 ms (modelled), more than the 100 ms of --max-latency-ms` */
export function verdictSentence(verdict: Verdict): string {
  const { name, figure, limit, bound, unit, option, source, met } = verdict;
  const relation = met
    ? bound === 'least'
      ? 'at least'
      : 'at most'
    : bound === 'least'
      ? 'less than'
      : 'more than';
  // Two figures that round to the same would not show which is more.
  const alike = figureText(unit, figure) === figureText(unit, limit);
  const text = (each: number) => (!met && alike ? String(each) : figureText(unit, each));
  const [is, asked] = [text(figure), text(limit)];
  return `${name} is ${is} (${source}), ${relation} the ${asked} of ${option}`;
}

/** A figure in its unit. */
export function figureText(unit: BudgetFigure['unit'], figure: number): string {
  switch (unit) {
    case 'bits':
      return bitText(figure);
    case 'ms':
      return timeText(figure);
    case 'bytes':
      return byteText(figure);
    case 'share':
      return shareText(figure);
    case 'probability':
      return numberText(figure);
  }
}
