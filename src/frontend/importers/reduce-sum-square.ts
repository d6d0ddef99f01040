import { power } from '../families/arithmetic.ts';
import { defineImporter } from '../define-importer.ts';
import { reduceConstant, reducedAxes, reductionForm, sumOverAxes } from '../families/reductions.ts';

export default defineImporter({
  operator: 'ReduceSumSquare',
  summary: 'Sum of squares over axes.',
  ...reductionForm(18, 'data'),
  lowersTo: '`nn.polynomial` x², then `nn.linear`, a matrix of ones.',
  import(context) {
    const x = context.data(0);
    const axes = reducedAxes(x.shape.length, context);
    return sumOverAxes(power(x, 2, context), axes, context);
  },
  fold: (context) => reduceConstant(context, (group) => group.reduce((a, b) => a + b * b, 0)),
});
