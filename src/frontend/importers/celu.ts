import { activationWith } from '../families/activations.ts';
import { float } from '../families/attribute-schemas.ts';
import { attribute } from '../define-importer.ts';

const nonzero = float.refine((value) => value !== 0, 'is 0');

export default activationWith(
  'Celu',
  'x where x ≥ 0, alpha · (exp(x / alpha) − 1) elsewhere.',
  'celu',
  { alpha: attribute(nonzero.default(1), 'where negative arguments saturate') },
  ({ alpha }) => ({ alpha }),
);
