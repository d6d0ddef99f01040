import { constantReduction } from '../families/reductions.ts';

export default constantReduction(
  'ReduceMin',
  'Smallest element over axes, of constants.',
  (group) => group.reduce((a, b) => Math.min(a, b), Infinity),
);
