import { activation, activationNote } from '../activations.ts';
import { defineImporter } from '../define-importer.ts';

export default defineImporter({
  operator: 'Relu',
  summary: 'max(x, 0) of each element.',
  inputs: [{ name: 'X', doc: 'any tensor', form: 'data' }],
  attributes: {},
  lowersTo: '`nn.activation`, which approximate-activations replaces by a polynomial.',
  notes: [activationNote],
  import: (context) => activation('relu', {}, context),
});
