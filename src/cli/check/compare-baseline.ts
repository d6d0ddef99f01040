import { CipherloomError } from '../../errors.ts';
import { holds } from '../budgets.ts';
import { readBoundedFile } from '../read-file.ts';
import { usageError } from '../usage-error.ts';
import { baselineFigures, baselineSchema, type ComparedReport } from './baseline-figures.ts';
import type { Verdict } from './verdicts.ts';

const maxReportBytes = 2 ** 26;

export interface BaselineComparison {
  readonly verdicts: readonly Verdict[];
  /** Figures that one of both reports does not state, or not for the same work. */
  readonly notCompared: readonly { readonly name: string; readonly reason: string }[];
}

/**
 * Hold the figures of a report against those of an earlier one.
 *
 * Throws  FILE_UNREADABLE, PLAN_INVALID where a file is no report; PLAN_MISMATCH for a report of
 *         another model
 */
export function compareBaseline(
  path: string,
  reportPath: string,
  tolerances: Readonly<Record<string, number | undefined>>,
): BaselineComparison {
  const baseline = readComparedReport(path);
  const report = readComparedReport(reportPath);
  if (baseline.name !== report.name) {
    throw new CipherloomError(
      'PLAN_MISMATCH',
      `--baseline ${path} is about the model "${baseline.name}", the plan is of "${report.name}"`,
      {
        phase: 'check',
        node: path,
        details: { got: baseline.name, expected: report.name },
        hint: 'give the report.json of an earlier plan of the same model',
      },
    );
  }
  const verdicts: Verdict[] = [];
  const notCompared: { name: string; reason: string }[] = [];
  for (const { name, bound, unit, tolerance, read } of baselineFigures) {
    const was = read(baseline);
    const is = read(report);
    if (was === null || is === null) {
      const which = was === null ? (is === null ? 'both reports' : 'the baseline') : 'the plan';
      notCompared.push({ name, reason: `not stated by ${which}` });
      continue;
    }
    if (unit === 'ms' && baseline.batch !== report.batch) {
      const reason = `an execution holds ${report.batch} images, ${baseline.batch} in the baseline`;
      notCompared.push({ name, reason });
      continue;
    }
    const slack = tolerances[name] ?? tolerance.default;
    const allowed = tolerance.kind === 'absolute' ? slack : was * slack;
    const limit = bound === 'least' ? was - allowed : was + allowed;
    const budget = { name, option: '--baseline', limit, figure: is, bound };
    verdicts.push({
      ...budget,
      kind: 'baseline',
      unit,
      source: `${path} has ${numberOf(was)}`,
      met: holds(budget),
      nodes: [],
    });
  }
  return { verdicts, notCompared };
}

/** `--tolerance NAME=VALUE`: names are those of the baseline's figures. Throws USAGE. */
export function readTolerances(words: readonly string[]): Record<string, number> {
  const names = baselineFigures.map(({ name }) => name);
  return Object.fromEntries(
    words.map((word) => {
      const [name = '', text = ''] = word.split('=');
      const value = text.trim() === '' ? NaN : Number(text);
      if (!names.includes(name) || !(value >= 0) || value === Infinity) {
        throw usageError(`--tolerance: expected NAME=NUMBER, got ${JSON.stringify(word)}`, {
          option: '--tolerance',
          got: word,
          hint: `NAME is one of ${names.join(', ')}; --tolerance latencyMs=0.1 allows 10 %`,
        });
      }
      return [name, value];
    }),
  );
}

function readComparedReport(path: string): ComparedReport {
  const text = new TextDecoder().decode(readBoundedFile(path, maxReportBytes));
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (cause) {
    throw notAReport(path, 'not JSON', cause);
  }
  const parsed = baselineSchema.safeParse(document);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  throw notAReport(path, `${issue.path.join('.') || 'the document'}: ${issue.message}`);
}

function notAReport(path: string, reason: string, cause?: unknown): CipherloomError {
  return new CipherloomError('PLAN_INVALID', `${path} is no report of a plan: ${reason}`, {
    phase: 'check',
    node: path,
    hint: 'give the report.json that compile wrote',
    cause,
  });
}

function numberOf(value: number): string {
  return String(Number(value.toPrecision(6)));
}
