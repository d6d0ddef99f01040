/**
 * Modelled cost of a network by the degrees of its activations, without compiling each combination.
 *
 * One packing search, of the network with a square in the place of each activation, says what the
 * linear maps cost; other levels and rings change that in proportion to a key switch. What a degree
 * adds itself, products and levels, is counted exactly. Where the search takes too much work, every
 * linear map counts as many key switches: that still puts rings and levels in order.
 */
import { rewriteProgram } from '../../ir/build.ts';
import { operationOf } from '../../ir/program.ts';
import type { Program } from '../../ir/program.ts';
import { shapeOf } from '../../ir/types.ts';
import { elementCount } from '../../layout/layout.ts';
import { largestRingDegree, ringDegrees } from '../../layout/security.ts';
import choosePacking from '../choose-packing.ts';
import { keySwitchSeconds, operationSeconds, profileOf } from '../cost/profile.ts';
import type { PassContext, PassNote } from '../define-pass.ts';
import foldPolynomials from '../fold-polynomials.ts';
import fuseLinear from '../fuse-linear.ts';
import lowerPublic from '../lower-public.ts';
import { levelsBelow, levelsOf } from '../packing/depth.ts';
import { treeOfOperation } from '../packing/operation-tree.ts';
import { polynomialTree, treeDepth, treeProducts } from '../packing/polynomial-tree.ts';
import { fittingWaterlineBits } from '../params/chain.ts';
import type { Activation } from './network-runs.ts';
import type { PricingWork } from './pricing-work.ts';

/** What a combination of degrees, one an activation, costs. */
export interface DegreePrice {
  /** Infinity where no ring has the levels. */
  readonly seconds: number;
  readonly levels: number;
  /** Null where none has the levels. */
  readonly ringDegree: number | null;
}

export interface DegreePrices {
  /** Levels and ring alone: no packing search. */
  room(degrees: readonly number[], leastRing?: number): Omit<DegreePrice, 'seconds'>;
  /** In the smallest ring that has the levels, of `leastRing` at least. */
  of(degrees: readonly number[], leastRing?: number): DegreePrice;
  /** By activation, the levels that a degree takes. */
  levelsOf(activation: number, degree: number): number;
  /** By activation, the products of two ciphertexts that a degree takes. */
  productsOf(activation: number, degree: number): number;
  /** Levels of the largest ring that can be had. */
  readonly available: number;
  /** Layers that use levels, with an activation's place where it is one. */
  readonly layers: readonly {
    readonly node: string | null;
    readonly op: string;
    readonly activation: number | null;
    readonly levels: number;
  }[];
}

/** Prices of a program with its activations. Cost: a packing search, with the first price. */
export function degreePrices(
  program: Program,
  activations: readonly Activation[],
  context: PassContext,
  pricing: PricingWork,
): DegreePrices {
  const { options } = context;
  const marks = activations.map((_, k) => `activation ${k}`);
  const quiet: PassContext = { ...context, warn: () => undefined, note: () => undefined };
  const fused = [foldPolynomials, fuseLinear, lowerPublic].reduce(
    (current, pass) => pass.run(current, quiet),
    withSquares(program, activations, marks),
  );
  const places = fused.operations.map(({ op, location }) =>
    op === 'nn.polynomial' && location !== null ? marks.indexOf(location) : -1,
  );
  // Whether the leading coefficient could be folded away: then a square takes one level.
  const folded = marks.map((_, k) => {
    const operation = fused.operations.find((__, id) => places[id] === k);
    return operation !== undefined && levelsOf(fused, operation) === 1;
  });
  const levelsFor = (k: number, degree: number): number =>
    degree < 2 ? 0 : treeDepth(genericTree(degree, folded[k] === true));
  const productsFor = (k: number, degree: number): number =>
    degree < 2 ? 0 : treeProducts(genericTree(degree, folded[k] === true));
  const ring = (levels: number, least = 0): number | null => {
    const rings = options.ringDegree === null ? ringDegrees : [options.ringDegree];
    const fits = (n: number): boolean =>
      n >= Math.max(4096, least) &&
      n <= largestRingDegree &&
      n / 2 >= (options.batch ?? 1) &&
      fittingWaterlineBits(levels, n, options) > 0;
    return rings.find(fits) ?? null;
  };
  const levelsWith = (degrees: readonly number[]): number[] =>
    levelsBelow(fused, (operation) => {
      const k = places[fused.operations.indexOf(operation)] ?? -1;
      return k < 0 ? levelsOf(fused, operation) : levelsFor(k, degrees[k]!);
    });
  const memo = new Map<string, DegreePrice>();
  let reference: Reference | null = null;
  const squares = activations.map(() => 2);
  const priceOf = (degrees: readonly number[], least: number): DegreePrice => {
    const below = levelsWith(degrees);
    const levels = Math.max(0, ...below);
    const ringDegree = ring(levels, least);
    if (ringDegree === null) return { seconds: Infinity, levels, ringDegree };
    if (reference === null) {
      const own = ring(Math.max(0, ...levelsWith(squares))) ?? ringDegree;
      const at = { ...quiet, work: pricing.budget, ringDegree: own };
      const packed = pricing.attempt(() => packSquares(fused, at, levelsWith(squares)));
      reference = packed === 'given up' ? unpacked(fused, at, levelsWith(squares)) : packed;
    }
    const profile = profileOf(options);
    let seconds = 0;
    fused.operations.forEach((operation, id) => {
      const known = reference?.costs[id];
      const level = below[id] ?? 0;
      if (operation.op === 'nn.linear' && known !== undefined) {
        const now = keySwitchSeconds(profile, ringDegree, level + 2, 1);
        const then = keySwitchSeconds(profile, reference!.ringDegree, known.level + 2, 1);
        seconds += (known.seconds * now) / then;
      }
      const k = places[id] ?? -1;
      if (operation.op !== 'nn.polynomial') return;
      const products =
        k < 0 ? treeProducts(treeOfOperation(fused, operation)) : productsFor(k, degrees[k]!);
      const at = operationSeconds(profile, ringDegree, level + 2);
      const [operand = -1] = operation.operands;
      const before = reference?.costs[operand]?.ciphertexts ?? 1;
      const ciphertexts = Math.max(1, Math.ceil((before * reference!.ringDegree) / ringDegree));
      seconds += ciphertexts * products * (at.square + at.relinearize + at.rescale);
    });
    return { seconds, levels, ringDegree };
  };
  let available = Math.max(0, ...levelsWith(squares));
  if (ring(available) === null) while (available > 0 && ring(available) === null) available--;
  else while (ring(available + 1) !== null) available++;
  return {
    room(degrees, leastRing = 0) {
      const levels = Math.max(0, ...levelsWith(degrees));
      return { levels, ringDegree: ring(levels, leastRing) };
    },
    of(degrees, leastRing = 0) {
      const key = `${degrees.join()} ${leastRing}`;
      const price = memo.get(key) ?? priceOf(degrees, leastRing);
      memo.set(key, price);
      return price;
    },
    levelsOf: levelsFor,
    productsOf: productsFor,
    available,
    layers: fused.operations.flatMap((operation, id) => {
      const k = places[id] ?? -1;
      const levels = levelsOf(fused, operation);
      if (levels === 0 && k < 0) return [];
      const node = k < 0 ? operation.location : operationOf(program, activations[k]!.id).location;
      return [{ node, op: operation.op, activation: k < 0 ? null : k, levels }];
    }),
  };
}

/** A polynomial of a degree with every coefficient; monic where the leading one is folded away. */
function genericTree(degree: number, monic: boolean): ReturnType<typeof polynomialTree> {
  const data = Float64Array.from({ length: degree + 1 }, (_, k) => (k === 0 ? 0 : 0.5));
  if (monic) data[degree] = 1;
  // A square is completed: its linear term goes into the shift.
  if (monic && degree === 2) data[1] = 0;
  return polynomialTree({ shape: [degree + 1], data });
}

/** The program with u²/2 + u/2 in the place of each activation, named by its mark. */
function withSquares(
  program: Program,
  activations: readonly Activation[],
  marks: readonly string[],
): Program {
  return rewriteProgram(program, (operation, id, { builder, mapped, keep }) => {
    const k = activations.findIndex((activation) => activation.id === id);
    const location = marks[k];
    const [x = -1] = operation.operands;
    if (location === undefined) return keep();
    const { range } = operationOf(program, x).type;
    const half = Math.max(1e-6, Math.abs(range?.lo ?? 1), Math.abs(range?.hi ?? 1));
    const data = Float64Array.of(0, 0.5, 0.5 / half);
    const coefficients = builder.constant({ shape: [3], data }, 'square');
    return builder.add('nn.polynomial', [mapped(x)], { coefficients }, { location });
  });
}

interface Reference {
  readonly ringDegree: number;
  /** By value of the fused program; nothing where no layout was chosen for it. */
  readonly costs: readonly (
    { readonly seconds: number; readonly ciphertexts: number; readonly level: number } | undefined
  )[];
}

/** Key switches of a linear map of which nothing is known. */
const unknownKeySwitches = 64;

/** What linear maps cost where they are not packed: as much as one another. */
function unpacked(
  fused: Program,
  { options, ringDegree }: PassContext,
  below: readonly number[],
): Reference {
  const costs = fused.operations.map(({ op, type }, id) => {
    if (op !== 'nn.linear' && op !== 'nn.input') return undefined;
    const level = below[id] ?? 0;
    const each = keySwitchSeconds(profileOf(options), ringDegree, level + 2, 1);
    const ciphertexts = Math.ceil(elementCount(shapeOf(type)) / (ringDegree / 2));
    return { seconds: unknownKeySwitches * each, ciphertexts, level };
  });
  return { ringDegree, costs };
}

/** What packing the program of squares costs, layer by layer. */
function packSquares(fused: Program, context: PassContext, below: readonly number[]): Reference {
  const choices: Extract<PassNote, { kind: 'choice' }>[] = [];
  choosePacking.run(fused, {
    ...context,
    note: (note) => {
      if (note.kind === 'choice') choices.push(note);
    },
  });
  let at = 0;
  const costs = fused.operations.map((operation, id) => {
    // Notes come in the order of the operations, and not for all of them.
    if (operation.op !== 'nn.linear' && operation.op !== 'nn.input') return undefined;
    const choice = choices[at];
    if (choice?.node !== operation.location) return undefined;
    at += 1;
    const chosen = choice.candidates.find(({ name }) => name === choice.chosen);
    if (chosen === undefined) return undefined;
    const { seconds, ciphertexts } = chosen;
    return { seconds, ciphertexts, level: below[id] ?? 0 };
  });
  return { ringDegree: context.ringDegree, costs };
}
