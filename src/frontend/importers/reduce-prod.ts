import { constantReduction } from '../families/reductions.ts';

export default constantReduction('ReduceProd', 'Product over axes, of constants.', (group) =>
  group.reduce((product, value) => product * value, 1),
);
