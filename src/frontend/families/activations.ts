/** Importing activations that approximate-activations turns into polynomials. */
import { activationFunctions } from '../../ir/nn/activation-functions.ts';
import type { ActivationName } from '../../ir/nn/activation-functions.ts';
import type { AttributeSpecs, DataValue, ImportContext, Importer } from '../define-importer.ts';

/** Parameters of an activation: numbers, or references to constants that broadcast to the argument. */
export type GivenParameters = Readonly<Record<string, number | string>>;

/** A function of each element of x. */
export function applied(
  name: ActivationName,
  parameters: GivenParameters,
  x: DataValue,
  context: Pick<ImportContext, 'add'>,
): DataValue {
  return context.add('nn.activation', [x], { function: name, parameters });
}

/** A function of each element of the first input. */
export function activation(
  name: ActivationName,
  parameters: GivenParameters,
  context: ImportContext,
): DataValue {
  return applied(name, parameters, context.data(0), context);
}

export const activationLowering =
  '`nn.activation`, which approximate-activations replaces by a polynomial.';

export const activationNote =
  'Encrypted values only add and multiply, so a polynomial takes its place, fitted on the calibrated range.';

const domainNote =
  'The calibrated range, margin included, must lie inside the domain of the function; else the model is refused.';

/** The notes of an operator that becomes an activation. */
export function activationNotes(name: ActivationName): string[] {
  return 'domain' in activationFunctions[name] ? [activationNote, domainNote] : [activationNote];
}

/** An operator without attributes that is one activation. */
export function activationOperator(
  operator: string,
  summary: string,
  name: ActivationName,
): Importer {
  return activationWith(operator, summary, name, {}, () => ({}));
}

/** An operator with attributes that is one activation. */
export function activationWith<S extends AttributeSpecs>(
  operator: string,
  summary: string,
  name: ActivationName,
  attributes: S,
  parameters: (attributes: ImportContext<S>['attributes']) => GivenParameters,
): Importer<S> {
  return {
    operator,
    summary,
    inputs: [{ name: 'X', doc: 'any tensor', form: 'data' }],
    attributes,
    lowersTo: activationLowering,
    notes: activationNotes(name),
    import: (context) => applied(name, parameters(context.attributes), context.data(0), context),
  };
}
