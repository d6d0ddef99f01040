import { unaryOfConstant } from '../families/elementwise-constants.ts';

export default unaryOfConstant('Ceil', 'Elements of a constant rounded up.', Math.ceil);
