/** All passes, in the order in which the pipeline runs them. */
import approximateActivations from './approximate-activations.ts';
import budgetLevels from './budget-levels.ts';
import calibrateRanges from './calibrate-ranges.ts';
import checkRanges from './check-ranges.ts';
import choosePacking from './choose-packing.ts';
import chooseParameters from './choose-parameters.ts';
import chooseRotations from './choose-rotations.ts';
import composeRotations from './compose-rotations.ts';
import type { Pass } from './define-pass.ts';
import estimateNoise from './estimate-noise.ts';
import foldBatchNorm from './fold-batch-norm.ts';
import foldConstants from './fold-constants.ts';
import foldPolynomials from './fold-polynomials.ts';
import fuseLinear from './fuse-linear.ts';
import hoistRotations from './hoist-rotations.ts';
import lowerLinear from './lower-linear.ts';
import lowerPacked from './lower-packed.ts';
import lowerPooling from './lower-pooling.ts';
import lowerPublic from './lower-public.ts';
import matchScales from './match-scales.ts';
import placeRelins from './place-relins.ts';
import placeRescales from './place-rescales.ts';
import predictEscapes from './predict-escapes.ts';
import recogniseActivations from './recognise-activations.ts';
import recognisePolynomials from './recognise-polynomials.ts';
import schedule from './schedule.ts';
import sinkReorderings from './sink-reorderings.ts';
import splitPostprocess from './split-postprocess.ts';
import splitPublic from './split-public.ts';

export const passes: readonly Pass[] = [
  // nn
  splitPublic,
  foldConstants,
  sinkReorderings,
  foldBatchNorm,
  lowerPooling,
  splitPostprocess,
  recogniseActivations,
  recognisePolynomials,
  calibrateRanges,
  approximateActivations,
  predictEscapes,
  foldPolynomials,
  fuseLinear,
  lowerPublic,
  // packed
  choosePacking,
  lowerLinear,
  // ckks
  lowerPacked,
  placeRescales,
  placeRelins,
  budgetLevels,
  chooseParameters,
  matchScales,
  checkRanges,
  composeRotations,
  hoistRotations,
  schedule,
  estimateNoise,
  chooseRotations,
];
