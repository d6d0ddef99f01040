import { activation, activationNote } from '../activations.ts';
import { attribute, defineImporter } from '../define-importer.ts';
import { float } from '../attribute-schemas.ts';

export default defineImporter({
  operator: 'LeakyRelu',
  summary: 'x where x ≥ 0, alpha · x elsewhere.',
  inputs: [{ name: 'X', doc: 'any tensor', form: 'data' }],
  attributes: { alpha: attribute(float.default(0.01), 'factor of negative arguments') },
  lowersTo: '`nn.activation`, which approximate-activations replaces by a polynomial.',
  notes: [activationNote],
  import: (context) => activation('leakyRelu', { slope: context.attributes.alpha }, context),
});
