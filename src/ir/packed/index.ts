/** Operators of the packed dialect: tensors laid out in slots, alphabetical. */
import { tableEntry } from '../define-op.ts';
import add from './add.ts';
import addPublic from './add-public.ts';
import input from './input.ts';
import linear from './linear.ts';
import mul from './mul.ts';
import multiplyPublic from './multiply-public.ts';
import polynomial from './polynomial.ts';
import sub from './sub.ts';

export const packedOps = [
  tableEntry(add),
  tableEntry(addPublic),
  tableEntry(input),
  tableEntry(linear),
  tableEntry(mul),
  tableEntry(multiplyPublic),
  tableEntry(polynomial),
  tableEntry(sub),
];
