/** Operators of the nn dialect: tensors in the clear, alphabetical. */
import { tableEntry } from '../define-op.ts';
import input from './input.ts';
import linear from './linear.ts';

export const nnOps = [tableEntry(input), tableEntry(linear)];
