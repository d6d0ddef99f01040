import { activationWith } from '../families/activations.ts';
import { float } from '../families/attribute-schemas.ts';
import { attribute } from '../define-importer.ts';

export default activationWith(
  'Swish',
  'x · sigmoid(alpha · x) of each element.',
  'swish',
  { alpha: attribute(float.default(1), 'steepness') },
  ({ alpha }) => ({ alpha }),
);
