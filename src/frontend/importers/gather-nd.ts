import { elementCount, rowMajorStrides } from '../../layout/layout.ts';
import { integersOf } from '../families/axes.ts';
import { attribute, defineImporter } from '../define-importer.ts';
import { int } from '../families/attribute-schemas.ts';
import { selectElements } from '../families/weighted-sums.ts';

export default defineImporter({
  operator: 'GatherND',
  summary: 'Elements or parts of a tensor by constant lists of indices.',
  inputs: [
    { name: 'data', doc: 'any tensor', form: 'data' },
    {
      name: 'indices',
      doc: 'constant indices […, n]: each list names the first n axes behind the batch axes',
      form: 'constant',
    },
  ],
  attributes: {
    batch_dims: attribute(int.default(0), 'leading axes that data and indices share', {
      since: 12,
    }),
  },
  lowersTo: '`nn.linear`, which selects.',
  import(context) {
    const x = context.data(0);
    const { shape: indexShape } = context.constant(1).tensor;
    const { batch_dims: batchAxes } = context.attributes;
    const length = indexShape.at(-1) ?? 0;
    const fits =
      batchAxes >= 0 &&
      batchAxes < indexShape.length &&
      length >= 1 &&
      batchAxes + length <= x.shape.length &&
      indexShape.slice(0, batchAxes).every((extent, axis) => extent === x.shape[axis]);
    if (!fits) {
      context.invalid(
        `indices [${indexShape.join(',')}] with ${batchAxes} batch axes do not fit [${x.shape.join(',')}]`,
        { indices: indexShape, data: x.shape, batchAxes },
      );
    }
    const part = x.shape.slice(batchAxes + length);
    const shape = [...indexShape.slice(0, -1), ...part];
    const strides = rowMajorStrides(x.shape);
    const batchStride = strides[batchAxes - 1] ?? 0;
    const size = elementCount(part);
    const sources = new Int32Array(context.elements(shape));
    const lists = elementCount(indexShape.slice(0, -1));
    const listsPerBatch = elementCount(indexShape.slice(batchAxes, -1));
    const indices = integersOf(context.constant(1), context);
    for (let list = 0; list < lists; list++) {
      let start = Math.floor(list / listsPerBatch) * batchStride;
      for (let k = 0; k < length; k++) {
        const index = indices[list * length + k]!;
        const extent = x.shape[batchAxes + k]!;
        if (index < -extent || index >= extent) {
          context.invalid(`index ${index} leaves the extent ${extent} of axis ${batchAxes + k}`);
        }
        start += (index < 0 ? index + extent : index) * strides[batchAxes + k]!;
      }
      for (let n = 0; n < size; n++) sources[list * size + n] = start + n;
    }
    return selectElements(x, shape, sources, context);
  },
});
