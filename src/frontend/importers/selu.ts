import { activationWith } from '../families/activations.ts';
import { float } from '../families/attribute-schemas.ts';
import { attribute } from '../define-importer.ts';

export default activationWith(
  'Selu',
  'gamma · x where x > 0, gamma · alpha · (exp(x) − 1) elsewhere.',
  'selu',
  {
    alpha: attribute(float.default(1.6732631921768188), 'factor of negative arguments'),
    gamma: attribute(float.default(1.0507010221481323), 'factor of all arguments'),
  },
  ({ alpha, gamma }) => ({ alpha, gamma }),
);
