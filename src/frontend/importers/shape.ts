import { attribute, defineImporter } from '../define-importer.ts';
import type { ConstantValue } from '../define-importer.ts';
import { int } from '../families/attribute-schemas.ts';

export default defineImporter({
  operator: 'Shape',
  summary: 'The extents of a tensor, which are known when a model is compiled.',
  inputs: [{ name: 'data', doc: 'any tensor', form: 'either' }],
  attributes: {
    start: attribute(int.default(0), 'first axis', { since: 15 }),
    end: attribute(int.optional(), 'axis behind the last', { since: 15 }),
  },
  lowersTo: 'a constant.',
  import: (context) => extentsOf(context.data(0).shape, context.attributes),
  fold: (context) => extentsOf(context.constant(0).tensor.shape, context.attributes),
});

function extentsOf(
  shape: readonly number[],
  { start, end }: { readonly start: number; readonly end: number | undefined },
): ConstantValue {
  // slice clamps and counts negative positions from the end, as ONNX does.
  const extents = shape.slice(start, end);
  return {
    kind: 'constant',
    tensor: { shape: [extents.length], data: Float64Array.from(extents) },
    elementType: 'int64',
  };
}
