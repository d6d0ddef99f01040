/** Operators of the ckks dialect: ciphertexts with level and scale, alphabetical. */
import { tableEntry } from '../define-op.ts';
import add from './add.ts';
import addConstant from './add-constant.ts';
import addPublic from './add-public.ts';
import input from './input.ts';
import levelDrop from './level-drop.ts';
import linear from './linear.ts';
import multiply from './multiply.ts';
import multiplyConstant from './multiply-constant.ts';
import multiplyPublic from './multiply-public.ts';
import relinearize from './relinearize.ts';
import rescale from './rescale.ts';
import square from './square.ts';
import sub from './sub.ts';

export const ckksOps = [
  tableEntry(add),
  tableEntry(addConstant),
  tableEntry(addPublic),
  tableEntry(input),
  tableEntry(levelDrop),
  tableEntry(linear),
  tableEntry(multiply),
  tableEntry(multiplyConstant),
  tableEntry(multiplyPublic),
  tableEntry(relinearize),
  tableEntry(rescale),
  tableEntry(square),
  tableEntry(sub),
];
