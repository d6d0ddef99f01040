import { elementCount, rowMajorStrides } from '../../layout/layout.ts';
import { copyStrided } from '../../ir/nn/strided.ts';
import type { Tensor } from '../../ir/tensor.ts';
import { addConstant } from '../families/arithmetic.ts';
import { axisOf } from '../families/axes.ts';
import { attribute, defineImporter } from '../define-importer.ts';
import type { DataValue, ImportContext, NodeValue } from '../define-importer.ts';
import { int } from '../families/attribute-schemas.ts';

export default defineImporter({
  operator: 'Concat',
  summary: 'Tensors one behind the other along an axis.',
  inputs: [{ name: 'inputs', doc: 'tensors that agree in every other axis', form: 'either' }],
  variadic: true,
  attributes: { axis: attribute(int, 'axis along which they are joined') },
  lowersTo:
    '`nn.concat` of data; with constants among it, `nn.pad` and `nn.add` of the data and `nn.add-constant`.',
  import(context) {
    const parts = context.inputs.filter(
      // Lists of extents may be empty.
      (part): part is NodeValue => part !== undefined && elementCount(shapeOf(part)) > 0,
    );
    const first = shapeOf(parts[0]);
    const axis = axisOf(context.attributes.axis, first.length, context);
    if (parts.every((part) => part.kind === 'data'))
      return context.add('nn.concat', parts, { axis });
    return withConstants(parts, axis, context);
  },
  // Lists of extents, of any type and perhaps all empty.
  fold(context) {
    const parts = context.inputs.map((_, n) => context.constant(n));
    const shapes = parts.map(({ tensor }) => tensor.shape);
    const axis = axisOf(context.attributes.axis, shapes[0]!.length, context);
    const shape = joined(shapes, axis, context);
    const data = new Float64Array(context.elements(shape));
    let start = 0;
    for (const { tensor } of parts) {
      place(tensor, data, shape, axis, start);
      start += tensor.shape[axis]!;
    }
    return { kind: 'constant', tensor: { shape, data }, elementType: parts[0]!.elementType };
  },
});

/** The shape of all parts together. Throws MODEL_INVALID where they do not join. */
function joined(
  shapes: readonly (readonly number[])[],
  axis: number,
  context: Pick<ImportContext, 'invalid'>,
): number[] {
  const [first = []] = shapes;
  for (const shape of shapes) {
    const fits =
      shape.length === first.length &&
      shape.every((extent, k) => k === axis || extent === first[k]);
    if (!fits)
      context.invalid(`[${shape.join(',')}] does not join [${first.join(',')}] along axis ${axis}`);
  }
  return first.with(
    axis,
    shapes.reduce((sum, shape) => sum + shape[axis]!, 0),
  );
}

/** Copy a part to where it begins along the axis. */
function place(
  part: Tensor,
  data: Float64Array,
  shape: readonly number[],
  axis: number,
  start: number,
): void {
  const strides = rowMajorStrides(shape);
  const own = rowMajorStrides(part.shape);
  copyStrided(part.shape, part.data, 0, own, data, start * strides[axis]!, strides);
}

function shapeOf(part: NodeValue | undefined): readonly number[] {
  if (part === undefined) return [];
  return part.kind === 'data' ? part.shape : part.tensor.shape;
}

function withConstants(
  parts: readonly NodeValue[],
  axis: number,
  context: ImportContext,
): DataValue {
  const shape = joined(parts.map(shapeOf), axis, context);
  const total = shape[axis]!;
  const constant = new Float64Array(elementCount(shape));
  const padded: DataValue[] = [];
  let start = 0;
  for (const part of parts) {
    const own = shapeOf(part);
    if (part.kind === 'data') {
      const before = own.map((_, k) => (k === axis ? start : 0));
      const behind = own.map((extent, k) => (k === axis ? total - start - extent : 0));
      padded.push(context.add('nn.pad', [part], { pads: [...before, ...behind], value: 0 }));
    } else {
      place(part.tensor, constant, shape, axis, start);
    }
    start += own[axis]!;
  }
  const sum = padded.reduce((a, b) => context.add('nn.add', [a, b]));
  return addConstant(sum, { shape, data: constant }, context);
}
