import { activationWith } from '../families/activations.ts';
import { float } from '../families/attribute-schemas.ts';
import { attribute } from '../define-importer.ts';

export default activationWith(
  'Shrink',
  'x drawn towards 0 by bias, and 0 between −lambd and lambd.',
  'shrink',
  {
    bias: attribute(float.default(0), 'what is taken from the magnitude'),
    lambd: attribute(float.nonnegative().default(0.5), 'magnitude that becomes 0'),
  },
  ({ bias, lambd }) => ({ bias, lambda: lambd }),
);
