import { unaryOfConstant } from '../families/elementwise-constants.ts';

export default unaryOfConstant('Not', 'Whether elements of a constant are false.', (x) =>
  x === 0 ? 1 : 0,
);
