import { axesOf, integersOf } from '../axes.ts';
import { attribute, defineImporter } from '../define-importer.ts';
import { flag, ints } from '../attribute-schemas.ts';

export default defineImporter({
  operator: 'ReduceMean',
  summary: 'Mean over axes.',
  inputs: [
    { name: 'data', doc: 'any tensor', form: 'data' },
    {
      name: 'axes',
      doc: 'constant axes; all where absent',
      form: 'constant',
      optional: true,
      since: 18,
    },
  ],
  attributes: {
    axes: attribute(ints.optional(), 'axes; all where absent', { until: 17 }),
    keepdims: attribute(flag.default(true), 'whether reduced axes stay with extent 1'),
    noop_with_empty_axes: attribute(flag.default(false), 'whether no axes means no reduction', {
      since: 18,
    }),
  },
  lowersTo: '`nn.reduce-mean`.',
  import(context) {
    const x = context.data(0);
    const input = context.optionalConstant(1);
    const axes = input === null ? (context.attributes.axes ?? []) : integersOf(input, context);
    if (axes.length === 0 && context.attributes.noop_with_empty_axes) return x;
    const rank = x.shape.length;
    return context.add('nn.reduce-mean', [x], {
      axes: axes.length === 0 ? [...x.shape.keys()] : axesOf(axes, rank, context),
      keepDims: context.attributes.keepdims,
    });
  },
});
