import { activationWith } from '../families/activations.ts';
import { float } from '../families/attribute-schemas.ts';
import { attribute } from '../define-importer.ts';

export default activationWith(
  'HardSigmoid',
  'max(0, min(1, alpha · x + beta)) of each element.',
  'hardSigmoid',
  {
    alpha: attribute(float.default(0.2), 'slope'),
    beta: attribute(float.default(0.5), 'value at 0'),
  },
  ({ alpha, beta }) => ({ alpha, beta }),
);
