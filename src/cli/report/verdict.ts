import { shareText } from '../text/figures.ts';
import type { PageFacts } from './page-facts.ts';

export interface Verdict {
  readonly kind: 'good' | 'attention' | 'bad';
  /** In a few words. */
  readonly state: string;
  /** What speaks against it, or is not known, in sentences. */
  readonly reasons: readonly string[];
}

/** Points of accuracy that nobody would call equal. */
const noticeableLoss = 0.01;

/** Whether the plan may be used, by what the folder tells. */
export function verdictOf({ plan, report, evidence }: PageFacts): Verdict {
  const { budgets, accuracy } = evidence;
  if (plan.facts.insecure) {
    return {
      kind: 'bad',
      state: 'Protects nothing.',
      reasons: ['The plan was compiled with --insecure: whoever sees a ciphertext may read it.'],
    };
  }
  const missed = budgets?.filter(({ met }) => !met) ?? [];
  if (missed.length > 0) {
    return {
      kind: 'bad',
      state: `Misses ${missed.length} of ${budgets?.length ?? 0} budgets.`,
      reasons: [],
    };
  }
  const after = accuracy.encrypted ?? accuracy.polynomial;
  if (accuracy.original !== null && after !== null && after.images === accuracy.original.images) {
    const loss = accuracy.original.value - after.value;
    if (loss > noticeableLoss) {
      return {
        kind: 'attention',
        state: 'Runs, and loses accuracy.',
        reasons: [
          `${shareText(accuracy.original.value)} of ${after.images} images were right in the original network, ${shareText(after.value)} are here.`,
        ],
      };
    }
    if (accuracy.encrypted !== null) return { kind: 'good', state: 'Works.', reasons: [] };
  }
  const changed = report.approximations.length > 0;
  return {
    kind: 'attention',
    state: 'Runs; whether its answers are right was not measured.',
    reasons: changed
      ? [
          `${report.approximations.length} activations were replaced by polynomials, which changes answers: measure the accuracy before you rely on it.`,
        ]
      : [],
  };
}
