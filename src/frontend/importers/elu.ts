import { activationWith } from '../families/activations.ts';
import { float } from '../families/attribute-schemas.ts';
import { attribute } from '../define-importer.ts';

export default activationWith(
  'Elu',
  'x where x ≥ 0, alpha · (exp(x) − 1) elsewhere.',
  'elu',
  { alpha: attribute(float.default(1), 'factor of negative arguments') },
  ({ alpha }) => ({ alpha }),
);
