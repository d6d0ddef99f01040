import { constantReduction } from '../families/reductions.ts';

export default constantReduction(
  'ReduceL2',
  'Root of the sum of squares over axes, of constants.',
  (group) => Math.sqrt(group.reduce((sum, value) => sum + value * value, 0)),
);
