import { defineImporter } from '../define-importer.ts';

export default defineImporter({
  operator: 'Neg',
  summary: 'The value with the other sign.',
  inputs: [{ name: 'X', doc: 'any tensor', form: 'data' }],
  attributes: {},
  lowersTo: '`nn.negate`.',
  import: (context) => context.add('nn.negate', [context.data(0)]),
});
