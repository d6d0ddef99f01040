import { unaryOfConstant } from '../families/elementwise-constants.ts';

export default unaryOfConstant('Floor', 'Elements of a constant rounded down.', Math.floor);
