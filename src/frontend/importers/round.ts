import { unaryOfConstant } from '../families/elementwise-constants.ts';

export default unaryOfConstant(
  'Round',
  'Elements of a constant rounded to the nearest integer, halves to the even one.',
  (x) => {
    const down = Math.floor(x);
    const half = x - down;
    if (half !== 0.5) return half < 0.5 ? down : down + 1;
    return down % 2 === 0 ? down : down + 1;
  },
);
