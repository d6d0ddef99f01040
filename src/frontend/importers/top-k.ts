import { flag, int } from '../families/attribute-schemas.ts';
import { axisOf, integersOf } from '../families/axes.ts';
import { classifierNote } from '../families/classifiers.ts';
import { attribute, defineImporter } from '../define-importer.ts';

export default defineImporter({
  operator: 'TopK',
  summary: 'The k largest or smallest elements along an axis, and their indices.',
  inputs: [
    { name: 'X', doc: 'any tensor', form: 'data' },
    { name: 'K', doc: 'constant k', form: 'constant', optional: true, since: 10 },
  ],
  attributes: {
    axis: attribute(int.default(-1), 'axis that is searched'),
    k: attribute(int.optional(), 'how many elements stay', { until: 9 }),
    largest: attribute(flag.default(true), 'whether the largest or the smallest ones stay', {
      since: 11,
    }),
    sorted: attribute(flag.default(true), 'whether they are in order; they always are', {
      since: 11,
    }),
  },
  lowersTo: '`nn.top-k` for each output, which split-postprocess moves to the client.',
  notes: [classifierNote, 'Of equal elements the first one comes first.'],
  import(context) {
    const x = context.data(0);
    const input = context.optionalConstant(1);
    const [count = context.attributes.k] = input === null ? [] : integersOf(input, context);
    const axis = axisOf(context.attributes.axis, x.shape.length, context);
    if (count === undefined || count < 1 || count > x.shape[axis]!) {
      return context.invalid(
        `k is ${count ?? 'missing'}, the axis has ${x.shape[axis]!} elements`,
        {
          k: count,
          axis,
        },
      );
    }
    const smallest = !context.attributes.largest;
    return (['values', 'indices'] as const).map((result) =>
      context.add('nn.top-k', [x], { axis, count, smallest, result }),
    );
  },
});
