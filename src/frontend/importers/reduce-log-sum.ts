import { constantReduction } from '../families/reductions.ts';

export default constantReduction(
  'ReduceLogSum',
  'Logarithm of the sum over axes, of constants.',
  (group) => Math.log(group.reduce((sum, value) => sum + value, 0)),
);
