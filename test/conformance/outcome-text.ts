/** Outcomes of conformance cases as tables for people. */
import type { CaseOutcome, Way, WayOutcome } from './run-case.ts';

type Reason = Exclude<WayOutcome, { readonly status: 'passed' }>;

/** Why a case did not pass: the fault, else the refusal of the way with the most inputs encrypted. */
function reasonOf({ ways }: CaseOutcome): Reason | null {
  const outcomes = ways.map(({ outcome }) => outcome);
  const fault = outcomes.find((outcome) => outcome.status === 'failed');
  return fault ?? outcomes.find((outcome) => outcome.status === 'skipped') ?? null;
}

function reasonText(reason: Reason | null): string {
  if (reason === null) return '';
  const text = reason.reason.split('\n').slice(0, 3).join(' ');
  return reason.status === 'skipped' ? `${reason.operator}: ${text}` : text;
}

/** The cases that are not compiled, or all of them, one a line: status, title, reason. */
export function listText(outcomes: readonly CaseOutcome[], all: boolean): string {
  return outcomes
    .filter(({ status }) => all || status !== 'passed')
    .map((outcome) => {
      const reason = outcome.status === 'passed' ? '' : reasonText(reasonOf(outcome));
      return `${outcome.status.padEnd(8)} ${outcome.title}  ${reason}`.trimEnd();
    })
    .join('\n');
}

function wayText({ encrypted, outcome }: Way): string {
  const inputs =
    encrypted.length === 0 ? 'all inputs constant' : `encrypted: ${encrypted.join(', ')}`;
  const reason = outcome.status === 'passed' ? '' : ` – ${reasonText(outcome)}`;
  return `  ${outcome.status.padEnd(8)} ${inputs}${reason}`;
}

/** A case in every way it was run. */
export function detailText(outcome: CaseOutcome): string {
  const heading = `${outcome.status.padEnd(8)} ${outcome.title} (${outcome.operators.join(', ')})`;
  return [heading, ...outcome.ways.map(wayText)].join('\n');
}

function countedBy(
  outcomes: readonly CaseOutcome[],
  keyOf: (outcome: CaseOutcome) => readonly string[],
): [string, CaseOutcome[]][] {
  const groups = new Map<string, CaseOutcome[]>();
  for (const outcome of outcomes) {
    for (const key of keyOf(outcome)) groups.set(key, [...(groups.get(key) ?? []), outcome]);
  }
  return [...groups].sort(([a, x], [b, y]) => y.length - x.length || (a < b ? -1 : 1));
}

const with_ = (
  outcomes: readonly CaseOutcome[],
  status: CaseOutcome['status'],
): readonly CaseOutcome[] => outcomes.filter((outcome) => outcome.status === status);

/** Share of the cases of supported operators' float forms that pass with an encrypted input. */
export function supportedShare(outcomes: readonly CaseOutcome[]): {
  readonly passed: number;
  readonly total: number;
} {
  const supported = outcomes.filter(({ supportedFloat }) => supportedFloat);
  return { passed: with_(supported, 'passed').length, total: supported.length };
}

/** Totals: by status, by operator, by reason. */
export function summaryText(outcomes: readonly CaseOutcome[]): string {
  const { passed, total } = supportedShare(outcomes);
  const statuses = (['passed', 'folded', 'skipped', 'failed'] as const)
    .map((status) => `${with_(outcomes, status).length} ${status}`)
    .join(', ');
  const left = outcomes.filter(({ status }) => status === 'skipped' || status === 'folded');
  const byReason = countedBy(left, (outcome) => [reasonText(reasonOf(outcome))]).map(
    ([reason, group]) => `${String(group.length).padStart(5)}  ${reason}`,
  );
  const byOperator = countedBy(outcomes, ({ operators }) => operators).map(([operator, group]) => {
    const counts = (['passed', 'folded', 'skipped', 'failed'] as const).map((status) =>
      String(with_(group, status).length).padStart(8),
    );
    return `  ${operator.padEnd(28)}${counts.join('')}`;
  });
  return [
    'By reason (cases without an encrypted way):',
    ...byReason,
    '',
    `By operator                    ${['passed', 'folded', 'skipped', 'failed'].map((status) => status.padStart(8)).join('')}`,
    ...byOperator,
    '',
    `${outcomes.length} cases: ${statuses}.`,
    '  passed   with an encrypted input, or with nothing that could be encrypted',
    '  folded   with every input constant only; encrypted it is refused, with the reason above',
    `${passed} of the ${total} cases of supported operators’ float forms pass with an encrypted input: ${((100 * passed) / Math.max(1, total)).toFixed(1)} %.`,
  ].join('\n');
}
