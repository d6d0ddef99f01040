import { axisOf, integersOf } from '../families/axes.ts';
import { attribute, defineImporter } from '../define-importer.ts';
import { int } from '../families/attribute-schemas.ts';
import { alongAxes, axisSelection } from '../families/weighted-sums.ts';

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
  lowersTo: '`nn.slice` where the indices have a constant step, else `nn.linear`, which selects.',
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
    const [first, second] = indices;
    if (first === undefined) return context.unsupported('it gathers nothing');
    context.elements(x.shape.with(axis, indices.length));
    const step = second === undefined ? 1 : second - first;
    const isRun = step !== 0 && indices.every((index, n) => index === first + n * step);
    const taken = isRun
      ? context.add('nn.slice', [x], {
          starts: x.shape.map((_, k) => (k === axis ? first : 0)),
          steps: x.shape.map((_, k) => (k === axis ? step : 1)),
          shape: x.shape.with(axis, indices.length),
        })
      : alongAxes(x, new Map([[axis, axisSelection(extent, indices)]]), context);
    const shape = [...x.shape.slice(0, axis), ...indexShape, ...x.shape.slice(axis + 1)];
    return context.add('nn.reshape', [taken], { shape });
  },
});
