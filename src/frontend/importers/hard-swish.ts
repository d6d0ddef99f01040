import { activationOperator } from '../families/activations.ts';

export default activationOperator(
  'HardSwish',
  'x · max(0, min(1, x / 6 + 1/2)) of each element.',
  'hardSwish',
);
