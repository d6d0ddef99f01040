import { constantReduction } from '../families/reductions.ts';

export default constantReduction(
  'ReduceL1',
  'Sum of magnitudes over axes, of constants.',
  (group) => group.reduce((sum, value) => sum + Math.abs(value), 0),
);
