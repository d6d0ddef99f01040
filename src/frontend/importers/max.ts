import { variadicOfConstants } from '../elementwise-constants.ts';

export default variadicOfConstants(
  'Max',
  'Largest of the elements of constants, with broadcasting.',
  Math.max,
);
