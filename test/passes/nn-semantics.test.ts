/** Every nn pass keeps what random programs compute, and what it makes verifies. */
import { describe, expect, it } from 'vitest';
import calibrateRanges from '../../src/passes/calibrate-ranges.ts';
import foldBatchNorm from '../../src/passes/fold-batch-norm.ts';
import foldConstants from '../../src/passes/fold-constants.ts';
import foldPolynomials from '../../src/passes/fold-polynomials.ts';
import fuseLinear from '../../src/passes/fuse-linear.ts';
import lowerPooling from '../../src/passes/lower-pooling.ts';
import recognisePolynomials from '../../src/passes/recognise-polynomials.ts';
import splitPostprocess from '../../src/passes/split-postprocess.ts';
import { plainSteps } from '../support/random-programs.ts';
import { checkSemantics } from '../support/same-semantics.ts';

const runs = 200;
/** Double rounding only. */
const exact = 1e-12;
/** Weights are rounded to float32 (2^-24 each), once a composition. */
const float32 = 2e-6;

describe('nn passes on random programs', () => {
  const cases = [
    { pass: foldConstants, steps: plainSteps, tolerance: exact },
    {
      pass: foldBatchNorm,
      steps: ['conv', 'dense', 'batchNorm', 'batchNorm', 'square'],
      tolerance: float32,
    },
    { pass: lowerPooling, steps: ['averagePool', 'conv', 'square', 'pad'], tolerance: float32 },
    { pass: splitPostprocess, steps: plainSteps, tails: true, tolerance: exact },
    {
      pass: recognisePolynomials,
      steps: [
        'add',
        'addConstant',
        'mul',
        'negate',
        'polynomial',
        'scale',
        'square',
        'sub',
        'dense',
      ],
      tolerance: 1e-9,
    },
    { pass: calibrateRanges, steps: plainSteps, tolerance: 0 },
    {
      pass: foldPolynomials,
      steps: [...plainSteps, 'conv', 'dense', 'polynomial', 'polynomial'],
      tolerance: 1e-9,
    },
    { pass: fuseLinear, steps: plainSteps, tolerance: float32 },
  ] as const;
  it.each(cases)('$pass.name keeps the answers', ({ pass, tolerance, ...programs }) => {
    const changed = checkSemantics(pass, programs, { runs, tolerance });
    // A generator that never reaches the pass would prove nothing.
    if (pass !== calibrateRanges) expect(changed).toBeGreaterThan(runs / 10);
  });
});
