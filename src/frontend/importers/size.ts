import { elementCount } from '../../layout/layout.ts';
import { defineImporter } from '../define-importer.ts';
import type { ConstantValue } from '../define-importer.ts';

export default defineImporter({
  operator: 'Size',
  summary: 'The number of elements of a tensor, which is known when a model is compiled.',
  inputs: [{ name: 'data', doc: 'any tensor', form: 'either' }],
  attributes: {},
  lowersTo: 'a constant.',
  import: (context) => countOf(context.data(0).shape),
  fold: (context) => countOf(context.constant(0).tensor.shape),
});

function countOf(shape: readonly number[]): ConstantValue {
  const data = Float64Array.of(elementCount(shape));
  return { kind: 'constant', tensor: { shape: [], data }, elementType: 'int64' };
}
