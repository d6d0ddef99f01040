/** Importers of ONNX operators: adding one is one file and one line here, alphabetical. */
import { importerEntry } from '../define-importer.ts';
import type { Importer } from '../define-importer.ts';
import add from './add.ts';
import argMax from './arg-max.ts';
import averagePool from './average-pool.ts';
import batchNormalization from './batch-normalization.ts';
import cast from './cast.ts';
import concat from './concat.ts';
import constant from './constant.ts';
import conv from './conv.ts';
import dequantizeLinear from './dequantize-linear.ts';
import div from './div.ts';
import dropout from './dropout.ts';
import flatten from './flatten.ts';
import gather from './gather.ts';
import gemm from './gemm.ts';
import globalAveragePool from './global-average-pool.ts';
import identity from './identity.ts';
import leakyRelu from './leaky-relu.ts';
import logSoftmax from './log-softmax.ts';
import matMul from './mat-mul.ts';
import maxPool from './max-pool.ts';
import mul from './mul.ts';
import neg from './neg.ts';
import pad from './pad.ts';
import pow from './pow.ts';
import quantizeLinear from './quantize-linear.ts';
import reduceMean from './reduce-mean.ts';
import relu from './relu.ts';
import reshape from './reshape.ts';
import shape from './shape.ts';
import sigmoid from './sigmoid.ts';
import slice from './slice.ts';
import softmax from './softmax.ts';
import squeeze from './squeeze.ts';
import sub from './sub.ts';
import sum from './sum.ts';
import tanh from './tanh.ts';
import transpose from './transpose.ts';
import unsqueeze from './unsqueeze.ts';

export const importers: readonly Importer[] = [
  importerEntry(add),
  importerEntry(argMax),
  importerEntry(averagePool),
  importerEntry(batchNormalization),
  importerEntry(cast),
  importerEntry(concat),
  importerEntry(constant),
  importerEntry(conv),
  importerEntry(dequantizeLinear),
  importerEntry(div),
  importerEntry(dropout),
  importerEntry(flatten),
  importerEntry(gather),
  importerEntry(gemm),
  importerEntry(globalAveragePool),
  importerEntry(identity),
  importerEntry(leakyRelu),
  importerEntry(logSoftmax),
  importerEntry(matMul),
  importerEntry(maxPool),
  importerEntry(mul),
  importerEntry(neg),
  importerEntry(pad),
  importerEntry(pow),
  importerEntry(quantizeLinear),
  importerEntry(reduceMean),
  importerEntry(relu),
  importerEntry(reshape),
  importerEntry(shape),
  importerEntry(sigmoid),
  importerEntry(slice),
  importerEntry(softmax),
  importerEntry(squeeze),
  importerEntry(sub),
  importerEntry(sum),
  importerEntry(tanh),
  importerEntry(transpose),
  importerEntry(unsqueeze),
];

const byOperator = new Map(importers.map((importer) => [importer.operator, importer]));

/** The importer of an operator of the default domain, if there is one. */
export function importerOf(operator: string): Importer | undefined {
  return byOperator.get(operator);
}
