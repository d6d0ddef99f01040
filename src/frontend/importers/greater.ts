import { binaryOfConstants } from '../families/elementwise-constants.ts';

export default binaryOfConstants(
  'Greater',
  'Whether elements of one constant are greater than those of another.',
  'bool',
  (x, y) => (x > y ? 1 : 0),
);
