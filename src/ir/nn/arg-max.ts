import { argOperator } from './line-selection.ts';

export default argOperator(
  'nn.arg-max',
  52,
  'Index of the largest element along an axis, the first of equals; moved to the client.',
  false,
);
