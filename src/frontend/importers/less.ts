import { binaryOfConstants } from '../families/elementwise-constants.ts';

export default binaryOfConstants(
  'Less',
  'Whether elements of one constant are less than those of another.',
  'bool',
  (x, y) => (x < y ? 1 : 0),
);
