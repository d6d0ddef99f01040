import { rowMajorStrides } from '../../layout/layout.ts';
import { axisOf, integersOf } from '../families/axes.ts';
import { attribute, defineImporter } from '../define-importer.ts';
import { int } from '../families/attribute-schemas.ts';
import { selectElements } from '../families/weighted-sums.ts';

export default defineImporter({
  operator: 'GatherElements',
  summary:
    'For each constant index the element of an axis that it names, elsewhere at its own place.',
  inputs: [
    { name: 'data', doc: 'any tensor', form: 'data' },
    { name: 'indices', doc: 'constant indices, of the rank of data', form: 'constant' },
  ],
  attributes: { axis: attribute(int.default(0), 'axis of data that the indices name') },
  lowersTo: '`nn.linear`, which selects.',
  import(context) {
    const x = context.data(0);
    const axis = axisOf(context.attributes.axis, x.shape.length, context);
    const extent = x.shape[axis]!;
    const { shape } = context.constant(1).tensor;
    const fits =
      shape.length === x.shape.length &&
      shape.every((count, k) => k === axis || count <= x.shape[k]!);
    if (!fits) {
      context.invalid(`indices [${shape.join(',')}] do not fit [${x.shape.join(',')}]`, { shape });
    }
    const own = rowMajorStrides(shape);
    const strides = rowMajorStrides(x.shape);
    const sources = integersOf(context.constant(1), context).map((index, n) => {
      if (index < -extent || index >= extent) {
        context.invalid(`index ${index} leaves the extent ${extent} of axis ${axis}`);
      }
      const at = index < 0 ? index + extent : index;
      return shape.reduce(
        (sum, count, k) => sum + (k === axis ? at : Math.floor(n / own[k]!) % count) * strides[k]!,
        0,
      );
    });
    return selectElements(x, shape, Int32Array.from(sources), context);
  },
});
