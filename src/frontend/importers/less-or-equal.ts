import { binaryOfConstants } from '../families/elementwise-constants.ts';

export default binaryOfConstants(
  'LessOrEqual',
  'Whether elements of one constant are at most those of another.',
  'bool',
  (x, y) => (x <= y ? 1 : 0),
);
