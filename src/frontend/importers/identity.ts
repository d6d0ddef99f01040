import { defineImporter } from '../define-importer.ts';

export default defineImporter({
  operator: 'Identity',
  summary: 'The input itself.',
  inputs: [{ name: 'input', doc: 'any tensor', form: 'either' }],
  attributes: {},
  lowersTo: 'nothing.',
  import: (context) => context.data(0),
  fold: (context) => context.constant(0),
});
