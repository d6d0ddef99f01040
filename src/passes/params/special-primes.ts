/**
 * How many special primes a plan has.
 *
 * More of them mean fewer digits, so fewer transforms and smaller keys, but a larger Q·P: less of the
 * security table is left for the scale. One is what every evaluator knows.
 */
import { opContext } from '../../ir/build.ts';
import { affineOf } from '../../ir/nn/linear.ts';
import type { AffineAttributes } from '../../ir/nn/linear.ts';
import { methodSchema } from '../../ir/packed/linear.ts';
import { slottedType } from '../../ir/packed/values.ts';
import { operationOf } from '../../ir/program.ts';
import type { Operation, Program } from '../../ir/program.ts';
import { keyDigitCount } from '../../layout/key-digits.ts';
import { neverRotates } from '../../ir/ckks/group-products.ts';
import type { LinearCounts } from '../cost/linear-work.ts';
import { keySwitchSeconds, operationSeconds, profileOf } from '../cost/profile.ts';
import type { PassContext } from '../define-pass.ts';
import { isEnabled } from '../optimisations.ts';
import type { CompileOptions } from '../options.ts';
import { distinctDiagonals, linearCounts } from '../packing/plan-linear.ts';
import { levelCountsOf } from '../packing/level-counts.ts';
import { fittingSharedBits } from './chain.ts';
import type { LevelCounts } from './chain.ts';

/** Key switches of values with so many data primes: by themselves, or those of a linear map. */
export type KeySwitches =
  | { readonly primes: number; readonly count: number }
  | { readonly primes: number; readonly linear: LinearCounts };

/** Times this close are alike: what a profile says of two plans is worth no more. */
const alike = 1.05;

/**
 * The numbers of special primes worth trying for a chain: first the one with the smallest keys among
 * those about as fast as the fastest, then those with the cheapest key switches, one at last.
 *
 * A number that switches keys more slowly than one does is not listed otherwise, where no rescale is
 * shared.
 */
export function specialPrimeCounts(
  switches: readonly KeySwitches[],
  counts: LevelCounts,
  ringDegree: number,
  options: CompileOptions,
): readonly number[] {
  const costs = specialPrimeCosts(switches, counts, ringDegree, options);
  const [fastest] = costs;
  const one = costs.find(({ count }) => count === 1);
  if (fastest === undefined || one === undefined) return [1];
  const primes = Math.max(...switches.map((each) => each.primes));
  const residues = ({ count }: SpecialPrimeCost): number =>
    keyDigitCount(primes, count) * (primes + count);
  // Where no key is switched none is faster than another, and the fastest is one.
  const smallest = costs
    .filter(({ seconds }) => seconds < alike * fastest.seconds)
    .reduce((best, each) => (residues(each) < residues(best) ? each : best), fastest);
  // One special prime leaves data primes that hold weights besides eight bits fewer.
  const faster = costs.filter(({ seconds }) => seconds < one.seconds || counts.shared > 0);
  return [...new Set([smallest, ...faster.filter(({ count }) => count !== 1), one])].map(
    ({ count }) => count,
  );
}

export interface SpecialPrimeCost {
  readonly count: number;
  /** Modelled, of key switches and of the linear maps around them. */
  readonly seconds: number;
}

/**
 * The numbers of special primes that a chain has room for, with the modelled time of key switches and
 * of the linear maps around them, the cheapest first.
 */
export function specialPrimeCosts(
  switches: readonly KeySwitches[],
  levels: LevelCounts,
  ringDegree: number,
  options: CompileOptions,
): readonly SpecialPrimeCost[] {
  const profile = profileOf(options);
  const seconds = (special: number): number =>
    switches.reduce((sum, each) => {
      const { primes } = each;
      const hoisting = isEnabled(options, 'hoist-rotations');
      if ('count' in each) {
        return sum + each.count * keySwitchSeconds(profile, ringDegree, primes, special);
      }
      const { babies, decompositions } = each.linear;
      const counts = { ...each.linear, decompositions: hoisting ? decompositions : babies };
      return sum + operationSeconds(profile, ringDegree, primes, special).linear(counts).seconds;
    }, 0);
  return fittingSpecialPrimes(levels, ringDegree, options)
    .map((count) => ({ count, seconds: seconds(count) }))
    .sort((a, b) => a.seconds - b.seconds || a.count - b.count);
}

/** The numbers of special primes that a chain has room for, ascending. One is always listed. */
function fittingSpecialPrimes(
  counts: LevelCounts,
  ringDegree: number,
  options: CompileOptions,
): readonly number[] {
  if (options.target !== 'native' || options.primeBits !== null) return [1];
  const several = Array.from({ length: counts.levels }, (_, index) => index + 2);
  return [
    1,
    ...several.filter((special) => fittingSharedBits(counts, ringDegree, options, 0, special) > 0),
  ];
}

/** What packing reckons with, before levels and rotations are known. */
export function likelySpecialPrimes(
  program: Program,
  {
    ringDegree,
    options,
    shareRescales = false,
  }: Pick<PassContext, 'ringDegree' | 'options' | 'shareRescales'>,
): number {
  const counts = levelCountsOf(program, options, shareRescales);
  const switches = [{ primes: counts.levels + 1, count: 1 }];
  return specialPrimeCounts(switches, counts, ringDegree, options)[0] ?? 1;
}

/** The key switches of a ckks program whose levels are chosen. */
export function keySwitchesOf(program: Program): KeySwitches[] {
  return program.operations.flatMap((operation): KeySwitches[] => {
    if (operation.type.kind !== 'ciphertext') return [];
    const { level, layout } = operation.type;
    if (operation.op === 'ckks.relinearize') {
      return [{ primes: (level ?? 0) + 1, count: layout.ciphertexts }];
    }
    if (operation.op !== 'ckks.linear') return [];
    return [{ primes: (level ?? 0) + 1, linear: countsOf(program, operation) }];
  });
}

function countsOf(program: Program, operation: Operation): LinearCounts {
  const types = operation.operands.map((operand) => operationOf(program, operand).type);
  const attributes = operation.attributes as unknown as AffineAttributes;
  const context = opContext(program.constants, program.modulus, operation.location);
  const { maps } = affineOf(types, attributes, context);
  const { giantStep, fold } = methodSchema.parse(operation.attributes['method']);
  const { layout } = slottedType(operation.type);
  const inputs = types.map((type) => slottedType(type).layout);
  if (neverRotates(inputs, layout)) return noRotations;
  return linearCounts(distinctDiagonals(maps, inputs, layout, fold), giantStep, fold, layout);
}

/** A linear map of a batch layout: special primes make no difference to it. */
const noRotations: LinearCounts = {
  babies: 0,
  decompositions: 0,
  redivided: 0,
  plainInputs: 0,
  giants: 0,
  turnedOutputs: 0,
  diagonals: 0,
  outputs: 0,
  folds: 0,
};
