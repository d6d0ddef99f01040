import { copyStrided } from '../../ir/nn/strided.ts';
import { elementCount, rowMajorStrides } from '../../layout/layout.ts';
import { axisOf, extentsOf } from '../families/axes.ts';
import { attribute, defineImporter } from '../define-importer.ts';
import type { ConstantValue, DataValue, ImportContext } from '../define-importer.ts';
import { extents, int } from '../families/attribute-schemas.ts';

const attributes = {
  axis: attribute(int.default(0), 'axis that is cut'),
  split: attribute(extents.optional(), 'extents of the parts; equal where absent', { until: 12 }),
  num_outputs: attribute(int.optional(), 'number of equal parts, the last one smaller', {
    since: 18,
  }),
};

type Context = ImportContext<typeof attributes>;

export default defineImporter({
  operator: 'Split',
  summary: 'A tensor cut into parts along an axis, one for each output.',
  inputs: [
    { name: 'input', doc: 'any tensor', form: 'data' },
    {
      name: 'split',
      doc: 'constant extents of the parts; equal where absent',
      form: 'constant',
      optional: true,
      since: 13,
    },
  ],
  attributes,
  lowersTo: '`nn.slice`, one for each output.',
  import(context) {
    const x = context.data(0);
    return partsOf(x.shape, context).map(({ axis, start, shape }): DataValue => {
      if (elementCount(shape) === 0) context.unsupported('one of its parts is empty');
      const starts = x.shape.map((_, k) => (k === axis ? start : 0));
      return context.add('nn.slice', [x], { starts, steps: x.shape.map(() => 1), shape });
    });
  },
  fold(context) {
    const { tensor, elementType } = context.constant(0);
    const strides = rowMajorStrides(tensor.shape);
    return partsOf(tensor.shape, context).map(({ axis, start, shape }): ConstantValue => {
      const data = new Float64Array(elementCount(shape));
      const to = rowMajorStrides(shape);
      copyStrided(shape, tensor.data, start * strides[axis]!, strides, data, 0, to);
      return { kind: 'constant', tensor: { shape, data }, elementType };
    });
  },
});

/** Where each part begins along the axis, and its shape. */
function partsOf(shape: readonly number[], context: Context) {
  const axis = axisOf(context.attributes.axis, shape.length, context);
  const extent = shape[axis]!;
  let start = 0;
  return sizesOf(extent, context).map((size) => {
    const part = { axis, start, shape: shape.with(axis, size) };
    start += size;
    return part;
  });
}

function sizesOf(extent: number, context: Context): readonly number[] {
  const input = context.optionalConstant(1);
  const given = input === null ? context.attributes.split : extentsOf(input, context);
  const count = context.attributes.num_outputs ?? context.outputCount;
  if (given !== undefined) {
    if (given.length !== context.outputCount || given.reduce((a, b) => a + b, 0) !== extent) {
      context.invalid(
        `parts [${given.join(',')}] do not make the extent ${extent} and ${context.outputCount} outputs`,
        { split: given, extent, outputs: context.outputCount },
      );
    }
    return given;
  }
  if (count !== context.outputCount) {
    context.invalid(`num_outputs is ${count}, it has ${context.outputCount} outputs`);
  }
  const size = Math.ceil(extent / count);
  const last = extent - size * (count - 1);
  if (last < 0 || (last !== size && context.opset < 18)) {
    context.invalid(`the extent ${extent} has no ${count} equal parts`);
  }
  return Array.from({ length: count }, (_, n) => (n < count - 1 ? size : last));
}
