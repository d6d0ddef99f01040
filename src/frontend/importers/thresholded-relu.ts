import { activationWith } from '../families/activations.ts';
import { float } from '../families/attribute-schemas.ts';
import { attribute } from '../define-importer.ts';

export default activationWith(
  'ThresholdedRelu',
  'x where x > alpha, 0 elsewhere.',
  'thresholdedRelu',
  { alpha: attribute(float.default(1), 'argument above which x passes') },
  ({ alpha }) => ({ alpha }),
);
