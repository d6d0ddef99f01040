import { constantReduction } from '../families/reductions.ts';

export default constantReduction('ReduceMax', 'Largest element over axes, of constants.', (group) =>
  group.reduce((a, b) => Math.max(a, b), -Infinity),
);
