import { shareText } from '../text/figures.ts';
import type { PageFacts } from './page-facts.ts';
import type { Finding } from './read-evidence.ts';

export interface Verdict {
  readonly kind: 'good' | 'attention' | 'bad';
  /** In a few words. */
  readonly state: string;
  /** What speaks against it, or is not known, in sentences. */
  readonly reasons: readonly string[];
}

/** A loss of more than a point; a difference of two shares may be a hair more than it is. */
const noticeableLoss = 0.01 + 1e-9;

/** One image more or less is no loss. */
function isLoss({ value, images }: Finding): boolean {
  return value > noticeableLoss && value * images > 1.5;
}

/** Whether the plan may be used, by what the folder tells. */
export function verdictOf({ plan, report, evidence }: PageFacts): Verdict {
  const { budgets, accuracy, loss } = evidence;
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
  const lossy = [loss.encrypted, loss.polynomial].find((own) => own !== null && isLoss(own));
  if (lossy !== undefined && lossy !== null) {
    return {
      kind: 'attention',
      state: 'Runs, and loses accuracy.',
      reasons: [
        `On ${lossy.images} images it is right ${shareText(lossy.value)} of the time less than the original network.`,
      ],
    };
  }
  if (loss.encrypted !== null && accuracy.encrypted !== null) {
    // Noise hardly changes an answer: that of the polynomials on more images says as much.
    const { polynomial, encrypted } = accuracy;
    return judgedBySample(
      polynomial !== null && polynomial.images > encrypted.images ? polynomial : encrypted,
    );
  }
  const changed = report.approximations.length > 0;
  return {
    kind: 'attention',
    state:
      loss.polynomial === null
        ? 'Runs; whether its answers are right was not measured.'
        : 'Runs; its answers were not measured on ciphertexts.',
    reasons:
      changed && loss.polynomial === null
        ? [
            `${report.approximations.length} activations were replaced by polynomials, which changes answers: measure the accuracy before you rely on it.`,
          ]
        : [],
  };
}

/** An accuracy that may as well be so much lower is not known. */
const uncertain = 0.1;

function judgedBySample({ value, images }: Finding): Verdict {
  const least = leastShare(value, images);
  if (value - least <= uncertain) return { kind: 'good', state: 'Works.', reasons: [] };
  return {
    kind: 'attention',
    state: 'Works, as far as was measured.',
    reasons: [
      `With ${images === 1 ? 'one image' : `${images} images`}, an accuracy of ${shareText(value)} may as well be ${Math.floor(100 * least)} %: measure more.`,
    ],
  };
}

/**
 * Lower end of the interval that holds the true share with a confidence of 95 %.
 *
 * Source  Wilson, "Probable inference, the law of succession, and statistical inference", 1927
 */
export function leastShare(share: number, count: number): number {
  const z = 1.96;
  const centre = share + (z * z) / (2 * count);
  const spread = z * Math.sqrt((share * (1 - share)) / count + (z * z) / (4 * count * count));
  return count === 0 ? 0 : Math.max(0, (centre - spread) / (1 + (z * z) / count));
}
