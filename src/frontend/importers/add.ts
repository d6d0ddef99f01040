import { addConstant } from '../families/arithmetic.ts';
import { defineImporter } from '../define-importer.ts';
import { oldBroadcast } from '../families/old-broadcast.ts';

export default defineImporter({
  operator: 'Add',
  summary: 'Elementwise sum with broadcasting.',
  inputs: [
    { name: 'A', doc: 'any tensor', form: 'either' },
    { name: 'B', doc: 'a tensor that broadcasts with A', form: 'either' },
  ],
  attributes: oldBroadcast.attributes,
  lowersTo:
    '`nn.add` between two data values (a residual connection), `nn.add-constant` with a constant.',
  import(context) {
    const [a, b] = context.inputs;
    if (a?.kind === 'constant') return addConstant(context.data(1), a.tensor, context);
    if (b?.kind === 'constant') return addConstant(context.data(0), b.tensor, context);
    return context.add('nn.add', [context.data(0), context.data(1)]);
  },
});
