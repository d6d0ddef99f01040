import { multiplyByConstant, power } from '../families/arithmetic.ts';
import { defineImporter } from '../define-importer.ts';
import { oldBroadcast } from '../families/old-broadcast.ts';

export default defineImporter({
  operator: 'Mul',
  summary: 'Elementwise product with broadcasting.',
  inputs: [
    { name: 'A', doc: 'any tensor', form: 'either' },
    { name: 'B', doc: 'a tensor that broadcasts with A', form: 'either' },
  ],
  attributes: oldBroadcast.attributes,
  lowersTo:
    '`nn.polynomial` x² for a value times itself, `nn.mul` between two data values, `nn.scale` with a constant.',
  import(context) {
    const [a, b] = context.inputs;
    if (a?.kind === 'constant') return multiplyByConstant(context.data(1), a.tensor, context);
    if (b?.kind === 'constant') return multiplyByConstant(context.data(0), b.tensor, context);
    const [x, y] = [context.data(0), context.data(1)];
    return x.value === y.value ? power(x, 2, context) : context.add('nn.mul', [x, y]);
  },
});
