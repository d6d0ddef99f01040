import { binaryOfConstants } from '../families/elementwise-constants.ts';

export default binaryOfConstants(
  'GreaterOrEqual',
  'Whether elements of one constant are at least those of another.',
  'bool',
  (x, y) => (x >= y ? 1 : 0),
);
