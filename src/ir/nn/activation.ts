import { z } from 'zod';
import { CipherloomError } from '../../errors.ts';
import { defineOp } from '../define-op.ts';
import { activationFunction, activationNames } from './activation-functions.ts';
import { boundsOf, tensorOf, tensorType, tensorTypeOf, tensorValue } from './values.ts';

export default defineOp({
  name: 'nn.activation',
  code: 31,
  summary:
    'A function of each element that is not a polynomial; approximate-activations replaces it.',
  operands: [{ name: 'x', doc: 'argument' }],
  attributes: z.strictObject({
    function: z.enum(activationNames),
    /** Exactly the parameters that the function has. */
    parameters: z.record(z.string(), z.number()),
  }),
  // Those of the polynomial that replaces it; on its own it cannot run encrypted.
  levels: 0,
  infer([x], attributes, context) {
    const wanted = Object.keys(activationFunction(attributes.function).parameters).sort();
    const given = Object.keys(attributes.parameters).sort();
    if (wanted.join() !== given.join()) {
      throw new CipherloomError(
        'IR_INVALID',
        `${attributes.function} has the parameters [${wanted.join(', ')}], not [${given.join(', ')}]`,
        { phase: 'nn', node: context.location ?? undefined, details: { wanted, given } },
      );
    }
    return tensorType(tensorTypeOf(x).shape);
  },
  range([x], attributes) {
    const [lo, hi] = boundsOf(x);
    const { evaluate, turningPoints } = activationFunction(attributes.function);
    const turns = turningPoints(attributes.parameters).filter((turn) => turn > lo && turn < hi);
    const values = [lo, hi, ...turns].map((point) => evaluate(point, attributes.parameters));
    return [Math.min(...values), Math.max(...values)];
  },
  evaluate([x], _, attributes) {
    const { shape, data } = tensorOf(x);
    const { evaluate } = activationFunction(attributes.function);
    return tensorValue(
      shape,
      data.map((value) => evaluate(value, attributes.parameters)),
    );
  },
});
