import { z } from 'zod';
import { CipherloomError, invariant } from '../../errors.ts';
import { defineOp } from '../define-op.ts';
import type { OpContext } from '../define-op.ts';
import { broadcastStrides, broadcastTo } from '../tensor.ts';
import { activationFunction, activationNames, boundActivation } from './activation-functions.ts';
import { activationParameters, parameterSets } from './activation-parameters.ts';
import type { ParameterSets } from './activation-parameters.ts';
import { boundsOf, shapeError, tensorOf, tensorType, tensorTypeOf, tensorValue } from './values.ts';

function setsOf(
  attributes: { readonly parameters: z.infer<typeof activationParameters> },
  context: OpContext,
): ParameterSets {
  const sets = parameterSets(attributes.parameters, (reference) => context.constant(reference));
  invariant(sets !== null, 'infer checked the shapes of the parameters');
  return sets;
}

export default defineOp({
  name: 'nn.activation',
  code: 31,
  summary:
    'A function of each element that is not a polynomial; approximate-activations replaces it.',
  operands: [{ name: 'x', doc: 'argument' }],
  attributes: z.strictObject({
    function: z.enum(activationNames),
    /** Exactly the parameters that the function has; constants broadcast to the shape of x. */
    parameters: activationParameters,
  }),
  // Those of the polynomial that replaces it; on its own it cannot run encrypted.
  levels: 0,
  infer([x], attributes, context) {
    const { shape } = tensorTypeOf(x);
    const wanted = Object.keys(activationFunction(attributes.function).parameters).sort();
    const given = Object.keys(attributes.parameters).sort();
    if (wanted.join() !== given.join()) {
      throw new CipherloomError(
        'IR_INVALID',
        `${attributes.function} has the parameters [${wanted.join(', ')}], not [${given.join(', ')}]`,
        { phase: 'nn', node: context.location ?? undefined, details: { wanted, given } },
      );
    }
    for (const [name, value] of Object.entries(attributes.parameters)) {
      if (typeof value === 'number') continue;
      const own = context.constant(value).shape;
      if (broadcastStrides(own, shape) === null) {
        shapeError(context, `${name} [${own.join(',')}] does not fit [${shape.join(',')}]`, {
          [name]: own,
          x: shape,
        });
      }
    }
    return tensorType(shape);
  },
  range([x], attributes, context) {
    const declared = activationFunction(attributes.function);
    let [low, high] = [Infinity, -Infinity];
    for (const parameters of setsOf(attributes, context).distinct) {
      const bounds = boundActivation(declared, boundsOf(x), parameters);
      // Outside of the domain nothing is known; approximate-activations refuses it.
      if (bounds === null) return [-Infinity, Infinity];
      low = Math.min(low, bounds[0]);
      high = Math.max(high, bounds[1]);
    }
    return [low, high];
  },
  evaluate([x], _, attributes, context) {
    const { shape, data } = tensorOf(x);
    const { evaluate } = activationFunction(attributes.function);
    const { distinct, ...sets } = setsOf(attributes, context);
    const [only] = distinct;
    if (only !== undefined && distinct.length === 1) {
      return tensorValue(
        shape,
        data.map((value) => evaluate(value, only)),
      );
    }
    const places = broadcastTo({ shape: sets.shape, data: Float64Array.from(sets.which) }, shape);
    return tensorValue(
      shape,
      data.map((value, n) => evaluate(value, distinct[places.data[n]!]!)),
    );
  },
});
