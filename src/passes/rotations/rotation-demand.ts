/** The rotations that a linear map asks for, and what they cost when they are composed of others. */
import { chainOf, lastSteps, rotationTree } from '../../ir/packed/compositions.ts';
import type { Compositions } from '../../ir/packed/compositions.ts';
import { centredRotation, foldRotations, splitRotation } from '../../ir/packed/diagonals.ts';
import type { Fold } from '../../ir/packed/diagonals.ts';
import type { Layout } from '../../layout/layout.ts';
import { distinctRotations, giantStepCandidates } from '../packing/plan-linear.ts';
import type { DiagonalSet, LinearCosts } from '../packing/plan-linear.ts';
import { growTree, shortestChains } from './grow-tree.ts';

/** Values with their rotations, each pair once. */
type Pairs = readonly (readonly [value: number, rotation: number])[];

/** What a giant step leads to. */
export interface RotationDemand {
  readonly giantStep: number;
  readonly inputs: Pairs;
  readonly sums: Pairs;
  /** Distinct rotations of inputs and of sums other than 0, ascending by magnitude. */
  readonly babies: readonly number[];
  readonly giants: readonly number[];
  readonly folds: readonly number[];
}

/** A linear map whose rotations are chosen. */
export interface LinearDemand {
  /** Data primes of its keys. */
  readonly primes: number;
  readonly slots: number;
  readonly outputs: number;
  readonly diagonals: number;
  readonly costs: LinearCosts;
  /** The one of the plan without a budget first. */
  readonly splits: readonly RotationDemand[];
}

/** The rotations of a split by keys. */
export interface ComposedSplit {
  readonly giantStep: number;
  readonly compositions: Compositions;
  /** Steps that need keys. */
  readonly steps: ReadonlySet<number>;
  readonly seconds: number;
}

/** Times the cheapest split with a key for every rotation at which another one is not considered. */
const hopeless = 3;

/** List what the giant steps worth trying for a linear map ask for. */
export function demandOf(
  set: DiagonalSet,
  giantStep: number,
  fold: Fold | null,
  inputs: readonly Layout[],
  output: Layout,
  primes: number,
  costs: LinearCosts,
): LinearDemand {
  const { slots, ciphertexts } = output;
  const rotations = distinctRotations(set, slots);
  const folds = foldRotations(fold).map((step) => centredRotation(step, slots));
  const candidates = costs.giantSteps ? giantStepCandidates(inputs, output) : [];
  const all = [giantStep, ...candidates.filter((step) => step !== giantStep)].map(
    (step): RotationDemand => {
      const pairs = (
        { ciphertext, rotation }: (typeof rotations)['ofInputs'],
        part: 'baby' | 'giant',
      ) =>
        distinct(
          [...rotation].map((each, n) => [
            ciphertext[n]!,
            centredRotation(splitRotation(each, step, slots)[part], slots),
          ]),
          slots,
        );
      const ofInputs = pairs(rotations.ofInputs, 'baby');
      const ofSums = pairs(rotations.ofOutputs, 'giant');
      return {
        giantStep: step,
        inputs: ofInputs,
        sums: ofSums,
        babies: rotationsOf(ofInputs),
        giants: rotationsOf(ofSums),
        folds,
      };
    },
  );
  const demand = { primes, slots, outputs: ciphertexts, diagonals: set.rotation.length, costs };
  const priced = all.map((split) => {
    const own = [...split.babies, ...split.giants, ...split.folds];
    return { split, seconds: composeSplit(demand, split, own, 1)?.seconds ?? Infinity };
  });
  const least = Math.min(...priced.map(({ seconds }) => seconds));
  const splits = priced
    .filter(({ seconds }, n) => n === 0 || seconds <= hopeless * least)
    .map(({ split }) => split);
  return { ...demand, splits };
}

function distinct(pairs: (readonly [number, number])[], slots: number): Pairs {
  const known = new Map(pairs.map((pair) => [pair[0] * 2 * slots + pair[1] + slots, pair]));
  return [...known.values()];
}

function rotationsOf(pairs: Pairs): number[] {
  const rotations = new Set(pairs.map(([, rotation]) => rotation));
  rotations.delete(0);
  return [...rotations].sort((a, b) => Math.abs(a) - Math.abs(b) || a - b);
}

/**
 * Make the rotations of a split by keys for these steps, at most `longest` of them one after the other;
 * null where they do not reach.
 */
export function composeSplit(
  { slots, outputs, diagonals, costs }: Omit<LinearDemand, 'splits' | 'primes'>,
  split: RotationDemand,
  steps: readonly number[],
  longest: number,
): ComposedSplit | null {
  const inputs = growTree(split.babies, steps, slots, longest);
  const sums = inputs === null ? null : growTree(split.giants, steps, slots, longest);
  const folds = sums === null ? null : shortestChains(split.folds, steps, slots, longest);
  if (inputs === null || sums === null || folds === null) return null;
  const rotated = rotationTree(split.inputs, lastSteps(inputs), slots, false);
  const added = rotationTree(split.sums, lastSteps(sums), slots, true);
  const foldSteps = split.folds.flatMap((step) => chainOf(lastSteps(folds), step, slots));
  const babies = rotated.step.filter(Boolean);
  const giants = added.step.filter(Boolean);
  const again = rotated.from.filter((from) => from >= 0);
  const redivided = costs.hoisting ? new Set(again).size : again.length;
  const turned = split.inputs.filter(([, rotation]) => rotation !== 0);
  const rotatedInputs = new Set(turned.map(([value]) => value)).size;
  const { seconds } = costs.seconds.linear({
    babies: babies.length,
    decompositions: costs.hoisting ? rotatedInputs + redivided : babies.length,
    redivided,
    plainInputs: split.inputs.length - turned.length,
    giants: giants.length,
    turnedOutputs: new Set(split.sums.filter(([, r]) => r !== 0).map(([value]) => value)).size,
    diagonals,
    outputs,
    folds: foldSteps.length,
  });
  return {
    giantStep: split.giantStep,
    compositions: { inputs, sums, folds },
    steps: new Set([...babies, ...giants, ...foldSteps]),
    seconds,
  };
}
