/** How much work it is to list the diagonals of a linear map between layouts. */
import { invariant } from '../../errors.ts';
import { entryCount } from '../../ir/linear-map.ts';
import type { LinearMap } from '../../ir/linear-map.ts';
import type { Fold } from '../../ir/packed/diagonals.ts';
import type { Layout } from '../../layout/layout.ts';
import type { Candidate } from './candidates.ts';

/**
 * Pairs of copies that a linear map may compare: 2^22 of them take milliseconds; beyond that 512 an
 * entry (a first convolution on patches laid out by the client has some 300), at most 2^27.
 */
const freeChoices = 2 ** 22;
const choicesPerEntry = 512;
const maxChoices = 2 ** 27;

/** What listing the diagonals of a candidate compares and makes. */
export interface Listing {
  /** Entries of the matrices. */
  readonly entries: number;
  /** Products: one an entry and copy of the output. */
  readonly terms: number;
  /** Pairs of an input copy and an output copy, over all entries. */
  readonly choices: number;
  /** Slots of all ciphertexts of the inputs and the output. */
  readonly places: number;
}

export function listingOf(
  maps: readonly LinearMap[],
  inputs: readonly Layout[],
  { layout, fold }: Candidate,
  mostCopiesOf: (layout: Layout, fold: Fold | null) => number,
): Listing {
  const outputCopies = mostCopiesOf(layout, fold);
  const placesOf = ({ ciphertexts, slots }: Layout): number => ciphertexts * slots;
  let [entries, choices, places] = [0, 0, placesOf(layout)];
  maps.forEach((map, k) => {
    const input = inputs[k];
    invariant(input !== undefined, 'one layout per operand');
    const own = entryCount(map);
    entries += own;
    choices += own * mostCopiesOf(input, null) * outputCopies;
    places += placesOf(input);
  });
  return { entries, terms: entries * outputCopies, choices, places };
}

/**
 * Whether listing the diagonals of a candidate compares more copies than it can be worth: a tiny
 * tensor copied all over a large ring, between two such layouts, makes billions of pairs.
 */
export function hasTooManyChoices({ entries, choices }: Listing): boolean {
  return choices > Math.min(maxChoices, Math.max(freeChoices, choicesPerEntry * entries));
}

/** Steps of a budget of work for a product that is listed, a comparison of copies, and a place. */
const perTerm = 10;
const perChoice = 3;
const perPlace = 30;

export function stepsOf({ terms, choices, places }: Listing): number {
  return perTerm * terms + perChoice * choices + perPlace * places;
}
