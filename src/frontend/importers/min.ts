import { variadicOfConstants } from '../elementwise-constants.ts';

export default variadicOfConstants(
  'Min',
  'Smallest of the elements of constants, with broadcasting.',
  Math.min,
);
