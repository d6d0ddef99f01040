import { axisOf, integersOf } from '../axes.ts';
import { attribute, defineImporter } from '../define-importer.ts';
import type { DataValue } from '../define-importer.ts';
import { int } from '../attribute-schemas.ts';

export default defineImporter({
  operator: 'Gather',
  summary: 'Elements of an axis by constant indices.',
  inputs: [
    { name: 'data', doc: 'any tensor', form: 'data' },
    {
      name: 'indices',
      doc: 'constant indices; negative ones count from the end',
      form: 'constant',
    },
  ],
  attributes: { axis: attribute(int.default(0), 'axis of data that the indices name') },
  lowersTo: '`nn.slice` where the indices have a constant step, else `nn.concat` of slices.',
  import(context) {
    const x = context.data(0);
    const axis = axisOf(context.attributes.axis, x.shape.length, context);
    const extent = x.shape[axis]!;
    const { shape: indexShape } = context.constant(1).tensor;
    const indices = integersOf(context.constant(1), context).map((index) => {
      if (index < -extent || index >= extent) {
        context.invalid(`index ${index} leaves the extent ${extent} of axis ${axis}`, {
          index,
          extent,
        });
      }
      return index < 0 ? index + extent : index;
    });
    const run = (start: number, step: number, count: number): DataValue =>
      context.add('nn.slice', [x], {
        starts: x.shape.map((_, k) => (k === axis ? start : 0)),
        steps: x.shape.map((_, k) => (k === axis ? step : 1)),
        shape: x.shape.with(axis, count),
      });
    const [first, second] = indices;
    if (first === undefined) return context.unsupported('it gathers nothing');
    const step = second === undefined ? 1 : second - first;
    const isRun = step !== 0 && indices.every((index, n) => index === first + n * step);
    const taken = isRun
      ? run(first, step, indices.length)
      : context.add(
          'nn.concat',
          indices.map((index) => run(index, 1, 1)),
          { axis },
        );
    const shape = [...x.shape.slice(0, axis), ...indexShape, ...x.shape.slice(axis + 1)];
    return context.add('nn.reshape', [taken], { shape });
  },
});
