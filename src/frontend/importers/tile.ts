import { extentsOf } from '../families/axes.ts';
import { defineImporter } from '../define-importer.ts';
import { alongAxes, axisSelection } from '../families/weighted-sums.ts';

export default defineImporter({
  operator: 'Tile',
  summary: 'A tensor repeated along its axes.',
  inputs: [
    { name: 'input', doc: 'any tensor', form: 'data' },
    { name: 'repeats', doc: 'constant number of repetitions per axis', form: 'constant' },
  ],
  attributes: {},
  lowersTo: '`nn.linear`, which copies.',
  import(context) {
    const x = context.data(0);
    const repeats = extentsOf(context.constant(1), context);
    if (repeats.length !== x.shape.length) {
      context.invalid(`${repeats.length} repetitions are given for ${x.shape.length} axes`);
    }
    context.elements(x.shape.map((extent, axis) => extent * repeats[axis]!));
    const matrices = x.shape.map((extent, axis) => {
      const sources = Array.from({ length: extent * repeats[axis]! }, (_, n) => n % extent);
      return [axis, axisSelection(extent, sources)] as const;
    });
    return alongAxes(x, new Map(matrices.filter(([axis]) => repeats[axis] !== 1)), context);
  },
});
