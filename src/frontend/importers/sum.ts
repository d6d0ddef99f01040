import { addConstant } from '../arithmetic.ts';
import { defineImporter } from '../define-importer.ts';
import type { DataValue } from '../define-importer.ts';

export default defineImporter({
  operator: 'Sum',
  summary: 'Elementwise sum of any number of tensors, with broadcasting.',
  inputs: [{ name: 'data_0', doc: 'tensors that broadcast together', form: 'either' }],
  variadic: true,
  attributes: {},
  lowersTo: '`nn.add` and `nn.add-constant`, one behind the other.',
  import(context) {
    const [first, ...others] = context.inputs.filter((input) => input?.kind === 'data') as [
      DataValue,
      ...DataValue[],
    ];
    let sum = others.reduce((total, part) => context.add('nn.add', [total, part]), first);
    for (const input of context.inputs) {
      if (input?.kind === 'constant') sum = addConstant(sum, input.tensor, context);
    }
    return sum;
  },
});
