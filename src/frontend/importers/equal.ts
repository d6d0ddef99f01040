import { binaryOfConstants } from '../families/elementwise-constants.ts';

export default binaryOfConstants(
  'Equal',
  'Whether elements of constants are equal.',
  'bool',
  (x, y) => (x === y ? 1 : 0),
);
