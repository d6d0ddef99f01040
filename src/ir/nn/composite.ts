import { z } from 'zod';
import { CipherloomError } from '../../errors.ts';
import { defineOp } from '../define-op.ts';
import { boundSteps, compositeSteps, evaluateSteps, stepsFault } from './composite-steps.ts';
import { boundsOf, tensorOf, tensorType, tensorTypeOf, tensorValue } from './values.ts';

export default defineOp({
  name: 'nn.composite',
  code: 32,
  summary:
    'A function of each element that is made of activations, polynomials, sums and products; approximate-activations replaces it.',
  operands: [{ name: 'x', doc: 'argument' }],
  attributes: z.strictObject({
    /** Each reads the argument or earlier steps; the last one is the result. */
    steps: compositeSteps,
  }),
  // Those of the polynomial that replaces it; on its own it cannot run encrypted.
  levels: 0,
  infer([x], { steps }, context) {
    const fault = stepsFault(steps);
    if (fault !== null) {
      throw new CipherloomError('IR_INVALID', `nn.composite: ${fault}`, {
        phase: 'nn',
        node: context.location ?? undefined,
        details: { steps: steps.length },
      });
    }
    return tensorType(tensorTypeOf(x).shape);
  },
  range([x], { steps }) {
    const bounds = boundSteps(steps, boundsOf(x));
    // Outside of the domain nothing is known; approximate-activations refuses it.
    return 'name' in bounds ? [-Infinity, Infinity] : bounds;
  },
  evaluate([x], _, { steps }) {
    const { shape, data } = tensorOf(x);
    return tensorValue(
      shape,
      data.map((value) => evaluateSteps(steps, value)),
    );
  },
});
