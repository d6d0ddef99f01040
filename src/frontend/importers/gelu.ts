import { z } from 'zod';
import { activation, activationLowering, activationNotes } from '../families/activations.ts';
import { attribute, defineImporter } from '../define-importer.ts';

export default defineImporter({
  operator: 'Gelu',
  summary: 'x · Φ(x) of each element, Φ of the normal distribution.',
  inputs: [{ name: 'X', doc: 'any tensor', form: 'data' }],
  attributes: {
    approximate: attribute(
      z.enum(['none', 'tanh']).default('none'),
      'whether Φ(x) is (1 + tanh(√(2/π) · (x + 0.044715 x³))) / 2',
    ),
  },
  lowersTo: activationLowering,
  notes: activationNotes('gelu'),
  import: (context) =>
    activation(context.attributes.approximate === 'tanh' ? 'geluTanh' : 'gelu', {}, context),
});
