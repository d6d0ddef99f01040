/** Importers of ONNX operators: adding one is one file and one line here, alphabetical. */
import { importerEntry } from '../define-importer.ts';
import type { Importer } from '../define-importer.ts';
import abs from './abs.ts';
import acos from './acos.ts';
import acosh from './acosh.ts';
import add from './add.ts';
import and from './and.ts';
import argMax from './arg-max.ts';
import argMin from './arg-min.ts';
import asin from './asin.ts';
import asinh from './asinh.ts';
import atan from './atan.ts';
import atanh from './atanh.ts';
import averagePool from './average-pool.ts';
import batchNormalization from './batch-normalization.ts';
import cast from './cast.ts';
import castLike from './cast-like.ts';
import ceil from './ceil.ts';
import celu from './celu.ts';
import clip from './clip.ts';
import concat from './concat.ts';
import constant from './constant.ts';
import constantOfShape from './constant-of-shape.ts';
import conv from './conv.ts';
import convTranspose from './conv-transpose.ts';
import cos from './cos.ts';
import cosh from './cosh.ts';
import cumSum from './cum-sum.ts';
import depthToSpace from './depth-to-space.ts';
import dequantizeLinear from './dequantize-linear.ts';
import div from './div.ts';
import dropout from './dropout.ts';
import einsum from './einsum.ts';
import elu from './elu.ts';
import equal from './equal.ts';
import erf from './erf.ts';
import exp from './exp.ts';
import expand from './expand.ts';
import flatten from './flatten.ts';
import floor from './floor.ts';
import gather from './gather.ts';
import gatherElements from './gather-elements.ts';
import gatherNd from './gather-nd.ts';
import gelu from './gelu.ts';
import gemm from './gemm.ts';
import globalAveragePool from './global-average-pool.ts';
import greater from './greater.ts';
import greaterOrEqual from './greater-or-equal.ts';
import hardSigmoid from './hard-sigmoid.ts';
import hardSwish from './hard-swish.ts';
import hardmax from './hardmax.ts';
import identity from './identity.ts';
import leakyRelu from './leaky-relu.ts';
import less from './less.ts';
import lessOrEqual from './less-or-equal.ts';
import log from './log.ts';
import logSoftmax from './log-softmax.ts';
import matMul from './mat-mul.ts';
import max from './max.ts';
import maxPool from './max-pool.ts';
import mean from './mean.ts';
import min from './min.ts';
import mish from './mish.ts';
import mod from './mod.ts';
import mul from './mul.ts';
import neg from './neg.ts';
import not from './not.ts';
import or from './or.ts';
import pad from './pad.ts';
import pow from './pow.ts';
import prelu from './prelu.ts';
import quantizeLinear from './quantize-linear.ts';
import range from './range.ts';
import reciprocal from './reciprocal.ts';
import reduceL1 from './reduce-l1.ts';
import reduceL2 from './reduce-l2.ts';
import reduceLogSum from './reduce-log-sum.ts';
import reduceLogSumExp from './reduce-log-sum-exp.ts';
import reduceMax from './reduce-max.ts';
import reduceMean from './reduce-mean.ts';
import reduceMin from './reduce-min.ts';
import reduceProd from './reduce-prod.ts';
import reduceSum from './reduce-sum.ts';
import reduceSumSquare from './reduce-sum-square.ts';
import relu from './relu.ts';
import reshape from './reshape.ts';
import resize from './resize.ts';
import reverseSequence from './reverse-sequence.ts';
import round from './round.ts';
import selu from './selu.ts';
import shape from './shape.ts';
import shrink from './shrink.ts';
import sigmoid from './sigmoid.ts';
import sin from './sin.ts';
import sinh from './sinh.ts';
import size from './size.ts';
import slice from './slice.ts';
import softmax from './softmax.ts';
import softplus from './softplus.ts';
import softsign from './softsign.ts';
import spaceToDepth from './space-to-depth.ts';
import split from './split.ts';
import sqrt from './sqrt.ts';
import squeeze from './squeeze.ts';
import sub from './sub.ts';
import sum from './sum.ts';
import swish from './swish.ts';
import tan from './tan.ts';
import tanh from './tanh.ts';
import thresholdedRelu from './thresholded-relu.ts';
import tile from './tile.ts';
import topK from './top-k.ts';
import transpose from './transpose.ts';
import trilu from './trilu.ts';
import unsqueeze from './unsqueeze.ts';
import upsample from './upsample.ts';
import where from './where.ts';
import xor from './xor.ts';

export const importers: readonly Importer[] = [
  importerEntry(abs),
  importerEntry(acos),
  importerEntry(acosh),
  importerEntry(add),
  importerEntry(and),
  importerEntry(argMax),
  importerEntry(argMin),
  importerEntry(asin),
  importerEntry(asinh),
  importerEntry(atan),
  importerEntry(atanh),
  importerEntry(averagePool),
  importerEntry(batchNormalization),
  importerEntry(cast),
  importerEntry(castLike),
  importerEntry(ceil),
  importerEntry(celu),
  importerEntry(clip),
  importerEntry(concat),
  importerEntry(constant),
  importerEntry(constantOfShape),
  importerEntry(conv),
  importerEntry(convTranspose),
  importerEntry(cos),
  importerEntry(cosh),
  importerEntry(cumSum),
  importerEntry(depthToSpace),
  importerEntry(dequantizeLinear),
  importerEntry(div),
  importerEntry(dropout),
  importerEntry(einsum),
  importerEntry(elu),
  importerEntry(equal),
  importerEntry(erf),
  importerEntry(exp),
  importerEntry(expand),
  importerEntry(flatten),
  importerEntry(floor),
  importerEntry(gather),
  importerEntry(gatherElements),
  importerEntry(gatherNd),
  importerEntry(gelu),
  importerEntry(gemm),
  importerEntry(globalAveragePool),
  importerEntry(greater),
  importerEntry(greaterOrEqual),
  importerEntry(hardSigmoid),
  importerEntry(hardSwish),
  importerEntry(hardmax),
  importerEntry(identity),
  importerEntry(leakyRelu),
  importerEntry(less),
  importerEntry(lessOrEqual),
  importerEntry(log),
  importerEntry(logSoftmax),
  importerEntry(matMul),
  importerEntry(max),
  importerEntry(maxPool),
  importerEntry(mean),
  importerEntry(min),
  importerEntry(mish),
  importerEntry(mod),
  importerEntry(mul),
  importerEntry(neg),
  importerEntry(not),
  importerEntry(or),
  importerEntry(prelu),
  importerEntry(pad),
  importerEntry(pow),
  importerEntry(quantizeLinear),
  importerEntry(range),
  importerEntry(reciprocal),
  importerEntry(reduceL1),
  importerEntry(reduceL2),
  importerEntry(reduceLogSum),
  importerEntry(reduceLogSumExp),
  importerEntry(reduceMax),
  importerEntry(reduceMean),
  importerEntry(reduceMin),
  importerEntry(reduceProd),
  importerEntry(reduceSum),
  importerEntry(reduceSumSquare),
  importerEntry(relu),
  importerEntry(reshape),
  importerEntry(resize),
  importerEntry(reverseSequence),
  importerEntry(round),
  importerEntry(selu),
  importerEntry(shape),
  importerEntry(shrink),
  importerEntry(sigmoid),
  importerEntry(sin),
  importerEntry(sinh),
  importerEntry(size),
  importerEntry(slice),
  importerEntry(softmax),
  importerEntry(softplus),
  importerEntry(softsign),
  importerEntry(spaceToDepth),
  importerEntry(split),
  importerEntry(sqrt),
  importerEntry(squeeze),
  importerEntry(sub),
  importerEntry(sum),
  importerEntry(swish),
  importerEntry(tan),
  importerEntry(tanh),
  importerEntry(thresholdedRelu),
  importerEntry(tile),
  importerEntry(topK),
  importerEntry(transpose),
  importerEntry(trilu),
  importerEntry(unsqueeze),
  importerEntry(upsample),
  importerEntry(where),
  importerEntry(xor),
];

const byOperator = new Map(importers.map((importer) => [importer.operator, importer]));

/** The importer of an operator of the default domain, if there is one. */
export function importerOf(operator: string): Importer | undefined {
  return byOperator.get(operator);
}
