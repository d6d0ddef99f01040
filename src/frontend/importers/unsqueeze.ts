import { axesOf, integersOf } from '../families/axes.ts';
import { attribute, defineImporter } from '../define-importer.ts';
import { ints } from '../families/attribute-schemas.ts';

export default defineImporter({
  operator: 'Unsqueeze',
  summary: 'Axes of extent 1 put in.',
  inputs: [
    { name: 'data', doc: 'any tensor', form: 'data' },
    {
      name: 'axes',
      doc: 'constant axes of the result',
      form: 'constant',
      optional: true,
      since: 13,
    },
  ],
  attributes: { axes: attribute(ints.optional(), 'axes of the result', { until: 12 }) },
  lowersTo: '`nn.reshape`, which costs nothing.',
  import(context) {
    const x = context.data(0);
    const input = context.optionalConstant(1);
    const given = input === null ? context.attributes.axes : integersOf(input, context);
    if (given === undefined) return context.invalid('it names no axes');
    const rank = x.shape.length + given.length;
    const axes = axesOf(given, rank, context);
    const rest = [...x.shape];
    const shape = Array.from({ length: rank }, (_, axis) =>
      axes.includes(axis) ? 1 : rest.shift()!,
    );
    return context.add('nn.reshape', [x], { shape });
  },
});
