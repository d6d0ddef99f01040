import { axesOf, integersOf } from '../families/axes.ts';
import { attribute, defineImporter } from '../define-importer.ts';
import { ints } from '../families/attribute-schemas.ts';

export default defineImporter({
  operator: 'Squeeze',
  summary: 'Axes of extent 1 taken away.',
  inputs: [
    { name: 'data', doc: 'any tensor', form: 'data' },
    {
      name: 'axes',
      doc: 'constant axes; all of extent 1 where absent',
      form: 'constant',
      optional: true,
      since: 13,
    },
  ],
  attributes: {
    axes: attribute(ints.optional(), 'axes; all of extent 1 where absent', { until: 12 }),
  },
  lowersTo: '`nn.reshape`, which costs nothing.',
  import(context) {
    const x = context.data(0);
    const input = context.optionalConstant(1);
    const given = input === null ? context.attributes.axes : integersOf(input, context);
    const axes =
      given === undefined
        ? [...x.shape.keys()].filter((axis) => x.shape[axis] === 1)
        : axesOf(given, x.shape.length, context);
    const wide = axes.find((axis) => x.shape[axis] !== 1);
    if (wide !== undefined) {
      context.invalid(`axis ${wide} of [${x.shape.join(',')}] does not have the extent 1`, {
        axis: wide,
        shape: x.shape,
      });
    }
    return context.add('nn.reshape', [x], {
      shape: x.shape.filter((_, axis) => !axes.includes(axis)),
    });
  },
});
