import { activation, activationNotes } from '../families/activations.ts';
import { float } from '../families/attribute-schemas.ts';
import { attribute, defineImporter } from '../define-importer.ts';
import type { ImportContext } from '../define-importer.ts';
import { largerOf, smallerOf } from '../families/extremes.ts';

/** Bounds as far out as a float32 goes bound nothing: they are the defaults. */
const farthest = 3.4e38;

export default defineImporter({
  operator: 'Clip',
  summary: 'The nearest number between two constants; ReLU6 is one.',
  inputs: [
    { name: 'input', doc: 'any tensor', form: 'data' },
    {
      name: 'min',
      doc: 'constant lower bound, none where absent',
      form: 'constant',
      optional: true,
      since: 11,
    },
    {
      name: 'max',
      doc: 'constant upper bound, none where absent',
      form: 'constant',
      optional: true,
      since: 11,
    },
  ],
  attributes: {
    min: attribute(float.optional(), 'lower bound, none where absent', { until: 10 }),
    max: attribute(float.optional(), 'upper bound, none where absent', { until: 10 }),
  },
  lowersTo:
    '`nn.activation`, which approximate-activations replaces by a polynomial; with one bound a shifted ReLU.',
  notes: activationNotes('clip'),
  import(context) {
    const x = context.data(0);
    const lo = boundOf(1, 'min', context);
    const hi = boundOf(2, 'max', context);
    const one = (value: number) => ({ shape: [], data: Float64Array.of(value) });
    if (lo > -farthest && hi < farthest) return activation('clip', { lo, hi }, context);
    if (lo > -farthest) return largerOf(x, one(lo), context);
    return hi < farthest ? smallerOf(x, one(hi), context) : x;
  },
});

interface Bounds {
  readonly attributes: { readonly min: number | undefined; readonly max: number | undefined };
}

function boundOf(
  index: number,
  name: 'min' | 'max',
  context: Pick<ImportContext, 'optionalConstant' | 'invalid'> & Bounds,
): number {
  const none = name === 'min' ? -Infinity : Infinity;
  const input = context.optionalConstant(index);
  if (input === null) return context.attributes[name] ?? none;
  const { shape, data } = input.tensor;
  const [value = NaN] = data;
  if (data.length !== 1 || Number.isNaN(value)) {
    context.invalid(`${name} [${shape.join(',')}] is not one number`, { [name]: shape });
  }
  return value;
}
