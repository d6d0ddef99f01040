/** Predict the precision of the outputs, and refuse a plan that misses what was asked. */
import { CipherloomError } from '../errors.ts';
import { largestRingDegree } from '../layout/security.ts';
import type { Program } from '../ir/program.ts';
import { definePass } from './define-pass.ts';
import type { PassContext } from './define-pass.ts';
import { estimateErrors, predictedPrecision } from './noise/estimate.ts';

/** How many times the largest value seen a calibrated range holds, with real and with synthetic inputs. */
export const calibratedMargin = 2;
export const syntheticMargin = 8;

/** Predicted precision of the outputs in bits. Cost: one pass over the entries of every linear map. */
export function outputPrecision(
  program: Program,
  { calibration }: Pick<PassContext, 'calibration'>,
): number {
  const margin = calibration === null ? syntheticMargin : calibratedMargin;
  return predictedPrecision(program, estimateErrors(program), margin);
}

export default definePass({
  name: 'estimate-noise',
  summary: 'Predict the error of every value and the precision of the outputs.',
  phase: 'ckks',
  run(program, context) {
    const bits = outputPrecision(program, context);
    context.note({ kind: 'figure', name: 'precisionBits', value: bits });
    const wanted = context.options.precisionBits;
    // An error beyond what a double holds leaves −Infinity or NaN: no bits, and no number to print.
    const predicted = Number.isFinite(bits) ? bits : null;
    if (predicted === null || predicted < wanted) {
      const missing = predicted === null ? null : wanted - predicted;
      const fixed = context.options.primeBits !== null;
      throw new CipherloomError(
        'PRECISION_UNREACHABLE',
        `the outputs have ${predicted === null ? 'no' : predicted.toFixed(1)} bits of precision at ring degree ${context.ringDegree}, ${wanted} were asked`,
        {
          phase: 'ckks',
          node: program.outputs[0]?.name,
          details: {
            precisionBits: predicted,
            wanted,
            ringDegree: context.ringDegree,
            missing,
          },
          hint:
            missing === null
              ? '--calibration X.npy or a narrower --input-range for smaller values: the error has no bound'
              : fixed
                ? `raise the inner --prime-bits by ${Math.ceil(missing)}`
                : context.ringDegree >= largestRingDegree
                  ? 'no larger ring is tried: --calibration X.npy or a narrower --input-range for smaller values, or ask for less with --precision-bits'
                  : `--ring-degree ${context.ringDegree * 2} has room for a larger scale, or ask for less with --precision-bits`,
        },
      );
    }
    return program;
  },
});
