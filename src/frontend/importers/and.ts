import { binaryOfConstants } from '../families/elementwise-constants.ts';

export default binaryOfConstants(
  'And',
  'Whether elements of both constants are true.',
  'bool',
  (x, y) => (x !== 0 && y !== 0 ? 1 : 0),
);
