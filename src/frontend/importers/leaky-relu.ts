import { activationWith } from '../families/activations.ts';
import { float } from '../families/attribute-schemas.ts';
import { attribute } from '../define-importer.ts';

export default activationWith(
  'LeakyRelu',
  'x where x ≥ 0, alpha · x elsewhere.',
  'leakyRelu',
  { alpha: attribute(float.default(0.01), 'factor of negative arguments') },
  ({ alpha }) => ({ slope: alpha }),
);
