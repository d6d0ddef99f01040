/** Every nn pass keeps what random programs compute, and what it makes verifies. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import calibrateRanges from '../../src/passes/calibrate-ranges.ts';
import foldBatchNorm from '../../src/passes/fold-batch-norm.ts';
import foldConstants from '../../src/passes/fold-constants.ts';
import foldPolynomials from '../../src/passes/fold-polynomials.ts';
import fuseLinear from '../../src/passes/fuse-linear.ts';
import { passes } from '../../src/passes/index.ts';
import lowerPooling from '../../src/passes/lower-pooling.ts';
import recogniseActivations from '../../src/passes/recognise-activations.ts';
import recognisePolynomials from '../../src/passes/recognise-polynomials.ts';
import sinkReorderings from '../../src/passes/sink-reorderings.ts';
import splitPostprocess from '../../src/passes/split-postprocess.ts';
import { calibrationOf } from '../support/calibration.ts';
import { runPass } from '../support/pass-context.ts';
import { linearSteps, plainSteps, randomPrograms } from '../support/random-programs.ts';
import { checkSemantics, expectSameAnswers } from '../support/same-semantics.ts';
import { opsOf } from '../support/small-programs.ts';

const runs = 200;
/** Double rounding only. */
const exact = 1e-12;
/** Weights are rounded to float32 (2^-24 each), once a composition. */
const float32 = 2e-6;

describe('nn passes on random programs', () => {
  const cases = [
    { pass: foldConstants, steps: plainSteps, tolerance: exact },
    {
      pass: sinkReorderings,
      steps: [...plainSteps, 'activation', 'transpose', 'transpose', 'transpose', 'reshape'],
      tails: true,
      longest: 14,
      tolerance: exact,
    },
    {
      pass: foldBatchNorm,
      steps: ['conv', 'dense', 'batchNorm', 'batchNorm', 'square'],
      tolerance: float32,
    },
    { pass: lowerPooling, steps: ['averagePool', 'conv', 'square', 'pad'], tolerance: float32 },
    { pass: splitPostprocess, steps: plainSteps, tails: true, tolerance: exact },
    {
      pass: recogniseActivations,
      steps: [
        'activation',
        'activation',
        'add',
        'dense',
        'mul',
        'negate',
        'polynomial',
        'square',
        'sub',
      ],
      tolerance: 1e-9,
    },
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

describe('all nn passes in a row', () => {
  const nnPasses = passes.filter(({ phase }) => phase === 'nn');

  it('leave only what the packing passes lower, whatever the model', () => {
    const steps = [...plainSteps, 'activation', 'activation', 'activation', 'maxPool'] as const;
    const lowered = new Set(['add', 'input', 'linear', 'mul', 'polynomial', 'sub']);
    let activations = 0;
    fc.assert(
      fc.property(randomPrograms({ steps, tails: true }, 12), (before) => {
        const { calibration } = calibrationOf(before, 40);
        let program = before;
        for (const pass of nnPasses) {
          program = runPass(pass, program, { maxPool: 'average' }, calibration).program;
        }
        expect(opsOf(program).filter((op) => !lowered.has(op))).toEqual([]);
        activations += opsOf(before).filter((op) => op === 'activation').length;
      }),
      { numRuns: 200, seed: 11 },
    );
    expect(activations).toBeGreaterThan(50);
  });

  it('keep the answers of models without activations', () => {
    const steps = [...linearSteps, 'square', 'square', 'polynomial'] as const;
    fc.assert(
      fc.property(randomPrograms({ steps, tails: false }, 12), fc.nat(), (before, seed) => {
        const { calibration } = calibrationOf(before, 40);
        let program = before;
        for (const pass of nnPasses) program = runPass(pass, program, {}, calibration).program;
        expectSameAnswers(before, program, seed, 1e-5);
      }),
      { numRuns: 200, seed: 12 },
    );
  });
});
