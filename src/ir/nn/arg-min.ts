import { argOperator } from './line-selection.ts';

export default argOperator(
  'nn.arg-min',
  54,
  'Index of the smallest element along an axis, the first of equals; moved to the client.',
  true,
);
