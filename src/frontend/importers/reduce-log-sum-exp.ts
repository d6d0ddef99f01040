import { constantReduction } from '../families/reductions.ts';

export default constantReduction(
  'ReduceLogSumExp',
  'Logarithm of the sum of exponentials over axes, of constants.',
  (group) => {
    const largest = group.reduce((a, b) => Math.max(a, b), -Infinity);
    return largest + Math.log(group.reduce((sum, value) => sum + Math.exp(value - largest), 0));
  },
);
