/**
 * Which rotations get a key under a budget of bytes.
 *
 * The search begins with a key for every rotation that any candidate split asks for directly, and takes
 * away, one after the other, the key that saves the most bytes for the least modelled time: altogether,
 * or for the linear maps of the highest level that use it. Maps that lose a key compose its rotations of
 * those that are left, or take another giant step. What fits into the bytes that are left over in the
 * end comes back. Work is bounded by the number of keys, and nothing depends on a clock.
 */
import type { RotationKeyRequest } from '../../layout/client-plan.ts';
import { composeSplit } from './rotation-demand.ts';
import type { ComposedSplit, LinearDemand } from './rotation-demand.ts';

export interface KeyChoice {
  /** By linear map. */
  readonly splits: readonly ComposedSplit[];
  /** Modelled, of all linear maps. */
  readonly seconds: number;
  /** Of all evaluation keys. */
  readonly bytes: number;
}

export interface KeySearch {
  readonly demands: readonly LinearDemand[];
  /** The most bytes that evaluation keys may take. */
  readonly budget: number;
  /** Bytes of all evaluation keys with these rotation keys. */
  readonly bytesOf: (rotations: readonly RotationKeyRequest[]) => number;
  /** Most rotations one after the other. */
  readonly longest: number;
}

/** Steps with the most data primes that their keys may have. */
type Allowed = ReadonlyMap<number, number>;

type Splits = readonly (readonly (ComposedSplit | null)[])[];

/** A choice and what it was made from. */
interface State {
  readonly allowed: Allowed;
  /** By linear map and split. */
  readonly splits: Splits;
  readonly choice: KeyChoice;
}

/** The cheapest choice within the budget, or the one of the fewest bytes where none is. */
export function searchKeys(search: KeySearch): KeyChoice | null {
  const all = firstKeys(search.demands);
  const basis = basisKeys(search.demands);
  const found = [all, basis].flatMap((allowed) => {
    const state = stateOf(search, allowed, composeAll(search, allowed, null));
    return state === null ? [] : [withinBudget(search, state, new Map([...basis, ...all]))];
  });
  const fitting = found.filter(({ bytes }) => bytes <= search.budget);
  const better = fitting.length > 0 ? 'seconds' : 'bytes';
  return (fitting.length > 0 ? fitting : found).reduce<KeyChoice | null>(
    (best, next) => (best === null || next[better] < best[better] ? next : best),
    null,
  );
}

/** Take keys away until the others fit, then give back what fits. */
function withinBudget(search: KeySearch, first: State, all: Allowed): KeyChoice {
  let state = first;
  let least = state.choice;
  const prices = new Map<string, number>();
  while (state.choice.bytes > search.budget) {
    const next = withFewer(search, state, prices);
    if (next === null) return least;
    state = next;
    if (state.choice.bytes < least.bytes) least = state.choice;
  }
  return withMore(search, state, all);
}

/** Folds, and powers of two of what the rotations of a map have in common, in both directions. */
function basisKeys(demands: readonly LinearDemand[]): Map<number, number> {
  const allowed = new Map<number, number>();
  for (const { primes, slots, splits } of demands) {
    const allow = (step: number): void => {
      allowed.set(step, Math.max(allowed.get(step) ?? 0, primes));
    };
    for (const step of splits[0]?.folds ?? []) allow(step);
    const unit = unitOf(splits);
    if (unit === 0) continue;
    for (let step = unit; step <= slots / 2; step *= 2) {
      allow(step);
      if (step < slots / 2) allow(-step);
    }
  }
  return allowed;
}

function unitOf(splits: LinearDemand['splits']): number {
  const all = splits.flatMap(({ babies, giants }) => [...babies, ...giants]);
  return all.reduce(greatestCommonDivisor, 0);
}

/** Steps worth a key: those of the plan without a budget, and giant steps of other splits. */
function firstKeys(demands: readonly LinearDemand[]): Map<number, number> {
  const allowed = new Map(basisKeys(demands));
  for (const { primes, slots, splits } of demands) {
    const allow = (step: number): void => {
      allowed.set(step, Math.max(allowed.get(step) ?? 0, primes));
    };
    const [first] = splits;
    for (const step of [...(first?.babies ?? []), ...(first?.giants ?? [])]) allow(step);
    for (const { giantStep, giants } of splits) {
      // In the directions in which it is taken.
      if (giantStep === 0 || giantStep >= slots / 2) continue;
      if (giants.some((giant) => giant > 0)) allow(giantStep);
      if (giants.some((giant) => giant < 0)) allow(-giantStep);
    }
  }
  return allowed;
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? Math.abs(a) : greatestCommonDivisor(b, a % b);
}

/** Compose every split of every map, or those that use a step that `lost` says its map has lost. */
function composeAll(
  { demands, longest }: KeySearch,
  allowed: Allowed,
  known: { readonly splits: Splits; readonly lost: number } | null,
): Splits {
  return demands.map((demand, map) => {
    const steps = stepsFor(demand, allowed);
    const has = known === null || steps.includes(known.lost);
    return demand.splits.map((split, n) => {
      const before = known?.splits[map]?.[n];
      if (before === null) return null;
      const keeps =
        before !== undefined && known?.lost !== undefined && !before.steps.has(known.lost);
      if (before !== undefined && (has || keeps)) return before;
      return composeSplit(demand, split, steps, longest);
    });
  });
}

function stepsFor({ primes }: LinearDemand, allowed: Allowed): number[] {
  return [...allowed]
    .flatMap(([step, most]) => (most >= primes ? [step] : []))
    .sort((a, b) => Math.abs(a) - Math.abs(b) || b - a);
}

/** The cheapest split of each map; null where one has none. */
function stateOf(search: KeySearch, allowed: Allowed, splits: Splits): State | null {
  const choice = choiceOf(search, splits.map(cheapest));
  return choice === null ? null : { allowed, splits, choice };
}

/** The first of equals. */
function cheapest(splits: readonly (ComposedSplit | null)[]): ComposedSplit | null {
  return splits.reduce(
    (least, next) =>
      next !== null && (least === null || next.seconds < least.seconds) ? next : least,
    null,
  );
}

function choiceOf(
  { demands, bytesOf }: KeySearch,
  splits: readonly (ComposedSplit | null)[],
): KeyChoice | null {
  if (!splits.every((split) => split !== null)) return null;
  const keys = keysOf(demands, splits);
  return {
    splits,
    seconds: splits.reduce((sum, { seconds }) => sum + seconds, 0),
    bytes: bytesOf([...keys].map(([step, primes]) => ({ step, primes }))),
  };
}

/** The keys of a choice, with their data primes. */
function keysOf(
  demands: readonly LinearDemand[],
  splits: readonly ComposedSplit[],
): Map<number, number> {
  const keys = new Map<number, number>();
  splits.forEach(({ steps }, map) => {
    const primes = demands[map]?.primes ?? 0;
    for (const step of steps) keys.set(step, Math.max(keys.get(step) ?? 0, primes));
  });
  return keys;
}

/** A loss of keys: of a step for maps of more data primes than `most`. */
interface Loss {
  readonly step: number;
  readonly most: number;
}

/**
 * Without the key whose loss costs the least time a byte saved; null where every one is needed.
 *
 * Prices hardly ever fall while keys get fewer: those of earlier rounds say which to look at first.
 */
function withFewer(search: KeySearch, state: State, prices: Map<string, number>): State | null {
  const losses = lossesOf(search, state.choice).map((loss) => {
    const key = `${loss.step} ${loss.most}`;
    return { ...loss, key, known: prices.get(key) ?? -Infinity };
  });
  losses.sort((a, b) => a.known - b.known);
  let best: (Loss & { readonly price: number }) | null = null;
  for (const loss of losses) {
    if (best !== null && best.price <= loss.known) break;
    const price = priceOf(search, state, loss);
    prices.set(loss.key, price);
    if (price < (best?.price ?? Infinity)) best = { ...loss, price };
  }
  if (best === null) return null;
  const allowed = new Map(state.allowed).set(best.step, best.most);
  const next = composeAll(search, allowed, { splits: state.splits, lost: best.step });
  return stateOf(search, allowed, next);
}

/** What keys can be taken away from: altogether, or from the maps of the most data primes. */
function lossesOf({ demands }: KeySearch, { splits }: KeyChoice): Loss[] {
  return [...keysOf(demands, splits)].flatMap(([step, primes]) => {
    const users = demands.filter((_, map) => splits[map]?.steps.has(step) === true);
    const fewer = new Set(users.map((demand) => demand.primes));
    fewer.delete(primes);
    return [0, ...fewer].map((most) => ({ step, most }));
  });
}

/** Seconds a byte saved; Infinity where it cannot be lost. */
function priceOf(search: KeySearch, { splits, choice, allowed }: State, loss: Loss): number {
  const { demands, longest } = search;
  const fewer = new Map(allowed).set(loss.step, loss.most);
  const tried = choice.splits.map((split, map) => {
    const demand = demands[map]!;
    if (!split.steps.has(loss.step) || demand.primes <= loss.most) return split;
    const others = splits[map]!.map((each) => (each?.steps.has(loss.step) === true ? null : each));
    return cheapest([...others, composeAgain(demand, split, fewer, longest)]);
  });
  const found = choiceOf(search, tried);
  if (found === null || found.bytes >= choice.bytes) return Infinity;
  return (found.seconds - choice.seconds) / (choice.bytes - found.bytes);
}

/** The same giant step with other keys. */
function composeAgain(
  demand: LinearDemand,
  { giantStep }: ComposedSplit,
  allowed: Allowed,
  longest: number,
): ComposedSplit | null {
  const split = demand.splits.find((each) => each.giantStep === giantStep);
  return split === undefined
    ? null
    : composeSplit(demand, split, stepsFor(demand, allowed), longest);
}

/** With keys that were given up and fit after all, those first that save the most time a byte. */
function withMore(
  search: KeySearch,
  { choice: given, allowed: few }: State,
  all: Allowed,
): KeyChoice {
  const { demands, budget, longest } = search;
  const allowed = new Map(few);
  let choice = given;
  let open = [...all]
    .filter(([step, most]) => (few.get(step) ?? 0) < most)
    .map(([step, most]) => ({ step, most, gain: Infinity }));
  const gainOf = (
    step: number,
    most: number,
  ): { readonly choice: KeyChoice; readonly gain: number } | null => {
    const more = new Map(allowed).set(step, most);
    const tried = choice.splits.map((split, map) =>
      cheapest([split, composeAgain(demands[map]!, split, more, longest)]),
    );
    const found = choiceOf(search, tried);
    if (found === null || found.bytes > budget || found.seconds >= choice.seconds) return null;
    const gain = (choice.seconds - found.seconds) / Math.max(1, found.bytes - choice.bytes);
    return { choice: found, gain };
  };
  while (open.length > 0) {
    // Gains hardly ever grow while keys come back: the best of earlier rounds is looked at first.
    open.sort((a, b) => b.gain - a.gain);
    const [first, second] = open;
    if (first === undefined) break;
    const found = gainOf(first.step, first.most);
    if (found === null) {
      open = open.slice(1);
    } else if (found.gain >= (second?.gain ?? 0)) {
      choice = found.choice;
      allowed.set(first.step, first.most);
      open = open.slice(1);
    } else {
      open[0] = { ...first, gain: found.gain };
    }
  }
  return choice;
}
