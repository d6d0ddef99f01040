/** All passes, in the order in which the pipeline runs them. */
import budgetLevels from './budget-levels.ts';
import checkRanges from './check-ranges.ts';
import choosePacking from './choose-packing.ts';
import chooseParameters from './choose-parameters.ts';
import type { Pass } from './define-pass.ts';
import estimateNoise from './estimate-noise.ts';
import hoistRotations from './hoist-rotations.ts';
import lowerLinear from './lower-linear.ts';
import lowerPacked from './lower-packed.ts';
import matchScales from './match-scales.ts';
import placeRelins from './place-relins.ts';
import placeRescales from './place-rescales.ts';
import schedule from './schedule.ts';

export const passes: readonly Pass[] = [
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
  hoistRotations,
  schedule,
  estimateNoise,
];
