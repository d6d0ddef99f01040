/** Importing activations that approximate-activations turns into polynomials. */
import type { ActivationName } from '../ir/nn/activation-functions.ts';
import type { DataValue, ImportContext } from './define-importer.ts';

export function activation(
  name: ActivationName,
  parameters: Readonly<Record<string, number>>,
  context: ImportContext,
): DataValue {
  return context.add('nn.activation', [context.data(0)], { function: name, parameters });
}

export const activationNote =
  'Encrypted values only add and multiply, so a polynomial takes its place, fitted on the calibrated range.';

/** ONNX operators that are imported as activations. */
export const approximatedOperators = ['LeakyRelu', 'Relu', 'Sigmoid', 'Tanh'] as const;
