/** Operators of the nn dialect: tensors in the clear, alphabetical. */
import { tableEntry } from '../define-op.ts';
import activation from './activation.ts';
import add from './add.ts';
import addConstant from './add-constant.ts';
import argMax from './arg-max.ts';
import argMin from './arg-min.ts';
import averagePool from './average-pool.ts';
import batchNorm from './batch-norm.ts';
import composite from './composite.ts';
import concat from './concat.ts';
import conv from './conv.ts';
import dense from './dense.ts';
import hardmax from './hardmax.ts';
import identity from './identity.ts';
import input from './input.ts';
import linear from './linear.ts';
import logSoftmax from './log-softmax.ts';
import maxPool from './max-pool.ts';
import mul from './mul.ts';
import negate from './negate.ts';
import pad from './pad.ts';
import polynomial from './polynomial.ts';
import reduceMean from './reduce-mean.ts';
import reshape from './reshape.ts';
import scale from './scale.ts';
import slice from './slice.ts';
import softmax from './softmax.ts';
import sub from './sub.ts';
import topK from './top-k.ts';
import transpose from './transpose.ts';

export const nnOps = [
  tableEntry(activation),
  tableEntry(add),
  tableEntry(addConstant),
  tableEntry(argMax),
  tableEntry(argMin),
  tableEntry(averagePool),
  tableEntry(batchNorm),
  tableEntry(composite),
  tableEntry(concat),
  tableEntry(conv),
  tableEntry(dense),
  tableEntry(hardmax),
  tableEntry(identity),
  tableEntry(input),
  tableEntry(linear),
  tableEntry(logSoftmax),
  tableEntry(maxPool),
  tableEntry(mul),
  tableEntry(negate),
  tableEntry(pad),
  tableEntry(polynomial),
  tableEntry(reduceMean),
  tableEntry(reshape),
  tableEntry(scale),
  tableEntry(slice),
  tableEntry(softmax),
  tableEntry(sub),
  tableEntry(topK),
  tableEntry(transpose),
];
