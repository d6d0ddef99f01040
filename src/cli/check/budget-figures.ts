/**
 * The figures that `check` can hold to a budget: one table for the flags, the budget file, the
 * baseline and every form of output.
 */
export type FigureName =
  | 'securityBits'
  | 'precisionBits'
  | 'latencyMs'
  | 'keyBytes'
  | 'memoryBytes'
  | 'rangeEscape'
  | 'agreement'
  | 'accuracy';

export interface BudgetFigure {
  readonly name: FigureName;
  /** The limit's key in the budget file; the flag is the same in kebab case. */
  readonly key: BudgetKey;
  readonly flag: string;
  readonly bound: 'least' | 'most';
  readonly unit: 'bits' | 'ms' | 'bytes' | 'share' | 'probability';
  /** What the figure is, in a clause. */
  readonly summary: string;
}

export type BudgetKey =
  | 'minSecurity'
  | 'minPrecisionBits'
  | 'maxLatencyMs'
  | 'maxKeyBytes'
  | 'maxMemoryBytes'
  | 'maxRangeEscape'
  | 'minAgreement'
  | 'minAccuracy';

export const budgetFigures: readonly BudgetFigure[] = [
  {
    name: 'securityBits',
    key: 'minSecurity',
    flag: '--min-security',
    bound: 'least',
    unit: 'bits',
    summary: 'security, recomputed from the primes',
  },
  {
    name: 'precisionBits',
    key: 'minPrecisionBits',
    flag: '--min-precision-bits',
    bound: 'least',
    unit: 'bits',
    summary: 'precision of the results: predicted, or measured where that is less',
  },
  {
    name: 'latencyMs',
    key: 'maxLatencyMs',
    flag: '--max-latency-ms',
    bound: 'most',
    unit: 'ms',
    summary: 'time of one evaluation: modelled, or measured with --measured',
  },
  {
    name: 'keyBytes',
    key: 'maxKeyBytes',
    flag: '--max-key-bytes',
    bound: 'most',
    unit: 'bytes',
    summary: 'evaluation keys that a client sends',
  },
  {
    name: 'memoryBytes',
    key: 'maxMemoryBytes',
    flag: '--max-memory-bytes',
    bound: 'most',
    unit: 'bytes',
    summary: 'expanded keys, encoded constants and ciphertexts of the native evaluator',
  },
  {
    name: 'rangeEscape',
    key: 'maxRangeEscape',
    flag: '--max-range-escape',
    bound: 'most',
    unit: 'probability',
    summary: 'probability that a value leaves the range it was compiled for',
  },
  {
    name: 'agreement',
    key: 'minAgreement',
    flag: '--min-agreement',
    bound: 'least',
    unit: 'share',
    summary: 'share of images with the top class of the original model',
  },
  {
    name: 'accuracy',
    key: 'minAccuracy',
    flag: '--min-accuracy',
    bound: 'least',
    unit: 'share',
    summary: 'share of images whose top class is the label',
  },
];
