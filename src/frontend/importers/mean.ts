import { multiplyByConstant, sumOf } from '../families/arithmetic.ts';
import { defineImporter } from '../define-importer.ts';

export default defineImporter({
  operator: 'Mean',
  summary: 'Elementwise mean of any number of tensors, with broadcasting.',
  inputs: [{ name: 'data_0', doc: 'tensors that broadcast together', form: 'either' }],
  variadic: true,
  attributes: {},
  lowersTo: '`nn.add` and `nn.add-constant`, one behind the other, then `nn.scale`.',
  import(context) {
    const factor = { shape: [], data: Float64Array.of(1 / context.inputs.length) };
    return multiplyByConstant(sumOf(context), factor, context);
  },
});
