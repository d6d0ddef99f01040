/** One method for every function that approximate-activations knows. */
import { z } from 'zod';
import { activationFunction, activationNames } from '../../../ir/nn/activation-functions.ts';
import type { ActivationName } from '../../../ir/nn/activation-functions.ts';
import { defineMethod, nnOperator, parameter } from '../define-method.ts';
import type { Method } from '../define-method.ts';

function activation(name: ActivationName): Method {
  const { summary, parameters: meanings } = activationFunction(name);
  const names = Object.keys(meanings);
  const doc = names.map((each) => `${each}: ${meanings[each] ?? ''}`).join(', ');
  const numbers = z.strictObject(
    Object.fromEntries(names.map((each) => [each, z.number()] as const)),
  );
  return defineMethod({
    summary: `${summary}.`,
    parameters: names.length === 0 ? [] : [parameter('parameters', numbers, `{ ${doc} }`)],
    build: (x, [parameters = {}], context) =>
      context.apply(
        nnOperator('nn.activation', () => ({ function: name, parameters })),
        [x],
      ),
  });
}

export const activations = Object.fromEntries(
  activationNames.map((name) => [name, activation(name)]),
) as Readonly<Record<ActivationName, Method>>;
