import { defineImporter } from '../define-importer.ts';

export default defineImporter({
  operator: 'GlobalAveragePool',
  summary: 'Mean over all spatial axes.',
  inputs: [{ name: 'X', doc: '[batch, channels, spatial…]', form: 'data' }],
  attributes: {},
  lowersTo: '`nn.reduce-mean`.',
  import(context) {
    const x = context.data(0);
    if (x.shape.length < 3)
      context.invalid(`[${x.shape.join(',')}] has no spatial axes`, { shape: x.shape });
    const axes = [...x.shape.keys()].slice(2);
    return context.add('nn.reduce-mean', [x], { axes, keepDims: true });
  },
});
