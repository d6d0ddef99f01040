import { binaryOfConstants } from '../families/elementwise-constants.ts';

export default binaryOfConstants(
  'Or',
  'Whether an element of either constant is true.',
  'bool',
  (x, y) => (x !== 0 || y !== 0 ? 1 : 0),
);
