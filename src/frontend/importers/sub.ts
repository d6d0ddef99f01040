import { addConstant } from '../families/arithmetic.ts';
import { defineImporter } from '../define-importer.ts';
import { oldBroadcast } from '../families/old-broadcast.ts';

export default defineImporter({
  operator: 'Sub',
  summary: 'Elementwise difference with broadcasting.',
  inputs: [
    { name: 'A', doc: 'any tensor', form: 'either' },
    { name: 'B', doc: 'a tensor that broadcasts with A', form: 'either' },
  ],
  attributes: oldBroadcast.attributes,
  lowersTo:
    '`nn.sub` between two data values, `nn.add-constant` (after `nn.negate` where B is data) with a constant.',
  import(context) {
    const [a, b] = context.inputs;
    if (a?.kind === 'constant') {
      return addConstant(context.add('nn.negate', [context.data(1)]), a.tensor, context);
    }
    if (b?.kind === 'constant') {
      const { shape, data } = b.tensor;
      return addConstant(context.data(0), { shape, data: data.map((value) => -value) }, context);
    }
    return context.add('nn.sub', [context.data(0), context.data(1)]);
  },
});
