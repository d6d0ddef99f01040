import { binaryOfConstants } from '../families/elementwise-constants.ts';

export default binaryOfConstants(
  'Xor',
  'Whether elements of exactly one constant are true.',
  'bool',
  (x, y) => ((x !== 0) !== (y !== 0) ? 1 : 0),
);
