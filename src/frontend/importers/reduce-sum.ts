import { defineImporter } from '../define-importer.ts';
import { reduceConstant, reducedAxes, reductionForm, sumOverAxes } from '../families/reductions.ts';

export default defineImporter({
  operator: 'ReduceSum',
  summary: 'Sum over axes.',
  ...reductionForm(13, 'data'),
  lowersTo: '`nn.linear`, a matrix of ones.',
  import(context) {
    const x = context.data(0);
    return sumOverAxes(x, reducedAxes(x.shape.length, context), context);
  },
  fold: (context) => reduceConstant(context, (group) => group.reduce((a, b) => a + b, 0)),
});
