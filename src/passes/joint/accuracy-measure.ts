/** How far the answers of a network with polynomials are from those of the exact one. */
import { CipherloomError } from '../../errors.ts';
import type { AccuracyBudget } from '../options.ts';
import type { SampleMatrix } from './sample-matrix.ts';

export interface AccuracyMeasure {
  readonly kind: AccuracyBudget['kind'];
  /** The loss of samples: points of top-1 agreement that are missing, or mean KL divergence in nats. */
  loss(exact: readonly SampleMatrix[], found: readonly SampleMatrix[]): number;
}

/** What a budget limits. Throws MODEL_UNSUPPORTED where an output has no classes. */
export function accuracyMeasure(
  { kind }: AccuracyBudget,
  elements: readonly number[],
): AccuracyMeasure {
  if (elements.some((count) => count < 2)) {
    throw new CipherloomError(
      'MODEL_UNSUPPORTED',
      'an accuracy budget compares classes, and an output of the model has one element',
      {
        phase: 'nn',
        details: { elements },
        hint: 'without --accuracy-budget, --activation-degree D sets one degree for all activations',
      },
    );
  }
  const one = kind === 'points' ? missingAgreement : meanDivergence;
  return {
    kind,
    // The worst output counts.
    loss: (exact, found) => Math.max(...exact.map((matrix, k) => one(matrix, found[k]!))),
  };
}

function missingAgreement(exact: SampleMatrix, found: SampleMatrix): number {
  let missed = 0;
  for (let n = 0; n < exact.samples; n++) if (topOf(exact, n) !== topOf(found, n)) missed++;
  return (100 * missed) / exact.samples;
}

function topOf({ elements, samples, data }: SampleMatrix, sample: number): number {
  let top = 0;
  for (let element = 1; element < elements; element++) {
    if (data[element * samples + sample]! > data[top * samples + sample]!) top = element;
  }
  return top;
}

/** KL(exact ‖ found) of the softmax of both, mean over samples. */
function meanDivergence(exact: SampleMatrix, found: SampleMatrix): number {
  let total = 0;
  for (let n = 0; n < exact.samples; n++) {
    const [p, q] = [logSoftmaxOf(exact, n), logSoftmaxOf(found, n)];
    p.forEach((logP, k) => (total += Math.exp(logP) * (logP - q[k]!)));
  }
  // A sum of terms that cancel may end a rounding below zero.
  return Math.max(0, total / exact.samples);
}

function logSoftmaxOf({ elements, samples, data }: SampleMatrix, sample: number): Float64Array {
  const row = Float64Array.from({ length: elements }, (_, k) => data[k * samples + sample]!);
  const largest = row.reduce((a, b) => Math.max(a, b), -Infinity);
  const sum = row.reduce((total, value) => total + Math.exp(value - largest), 0);
  return row.map((value) => value - largest - Math.log(sum));
}
