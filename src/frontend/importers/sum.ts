import { sumOf } from '../families/arithmetic.ts';
import { defineImporter } from '../define-importer.ts';

export default defineImporter({
  operator: 'Sum',
  summary: 'Elementwise sum of any number of tensors, with broadcasting.',
  inputs: [{ name: 'data_0', doc: 'tensors that broadcast together', form: 'either' }],
  variadic: true,
  attributes: {},
  lowersTo: '`nn.add` and `nn.add-constant`, one behind the other.',
  import: sumOf,
});
