import { defineImporter } from '../define-importer.ts';
import { reduceConstant, reducedAxes, reductionForm } from '../families/reductions.ts';

export default defineImporter({
  operator: 'ReduceMean',
  summary: 'Mean over axes.',
  ...reductionForm(18, 'data'),
  lowersTo: '`nn.reduce-mean`.',
  import(context) {
    const x = context.data(0);
    const axes = reducedAxes(x.shape.length, context);
    if (axes.length === 0) return x;
    return context.add('nn.reduce-mean', [x], { axes, keepDims: context.attributes.keepdims });
  },
  fold: (context) =>
    reduceConstant(context, (group) => group.reduce((a, b) => a + b, 0) / group.length),
});
