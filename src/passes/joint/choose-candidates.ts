/** The search for degrees and reaches that an accuracy budget asks for. */
import { CipherloomError, invariant } from '../../errors.ts';
import { operationOf } from '../../ir/program.ts';
import type { Program } from '../../ir/program.ts';
import { shapeOf } from '../../ir/types.ts';
import { elementCount } from '../../layout/layout.ts';
import type { PassContext, PassNote, PlanPrice } from '../define-pass.ts';
import type { AccuracyBudget } from '../options.ts';
import type { WorkBudget } from '../work-budget.ts';
import { accuracyMeasure } from './accuracy-measure.ts';
import type { GroupPolynomial, Reach } from './fit-groups.ts';
import { candidateRunner, runExact, runPolynomials } from './network-runs.ts';
import type { Activation, Candidate, ExactRun, SampleInputs } from './network-runs.ts';
import { planPrices } from './plan-prices.ts';
import { degreePrices } from './price-degrees.ts';
import type { DegreePrices } from './price-degrees.ts';
import { pricingWork } from './pricing-work.ts';
import type { SampleMatrix } from './sample-matrix.ts';
import { searchChoice } from './search-choice.ts';
import type { SearchResult } from './search-choice.ts';

/**
 * Degrees that are tried: those with which no larger one of as many levels takes no more products, up
 * to what five levels hold. From 8 on they are evaluated in Chebyshev's basis, which loses few bits.
 */
const degrees = [1, 2, 3, 4, 6, 7, 8, 12, 15, 16, 20, 24, 31];
/**
 * How fits weigh what was not seen: the third follows the data most closely; the last holds
 * polynomials of high degree back where other images go, which none of the others does.
 */
const reaches: readonly Reach[] = [
  { margin: 1.25, tail: 1e-2 },
  { margin: 1.25, tail: 1e-3 },
  { margin: 1.1, tail: 1e-4 },
  { margin: 1.5, tail: 3e-2 },
];
/** Products of a weight and a value that a search may take: about two minutes. */
const maxProducts = 2 ** 37;
const [leastEvaluations, mostEvaluations] = [8, 300];
/** Plans that are compiled for their price: of the search, and of one degree for all besides. */
const [mostPlans, mostUniformPlans] = [6, 3];
/** Combinations that are listed in the report. */
const maxListed = 32;

export interface JointChoice {
  readonly polynomials: readonly (readonly GroupPolynomial[])[];
  readonly note: Extract<PassNote, { kind: 'joint-choice' }>;
}

export interface ChoiceRequest {
  readonly context: PassContext;
  /** Products that the linear layers take on one image. */
  readonly products: number;
  /** The plan with polynomials; null where it fits no ring. Absent: estimates are all there is. */
  readonly pricePlan:
    ((polynomials: Trial['polynomials'], work: WorkBudget) => PlanPrice | null) | null;
  /** Images that the polynomials are not fitted to, in pieces. */
  readonly held: readonly { readonly count: number; readonly inputs: () => SampleInputs }[];
  readonly synthetic: boolean;
}

/** What a combination of candidates was found to lose. */
interface Trial {
  readonly candidates: readonly Candidate[];
  readonly loss: number;
  readonly polynomials: readonly (readonly GroupPolynomial[])[];
}

/** Choose. Throws ACCURACY_UNREACHABLE where no combination that can be compiled meets the budget. */
export function chooseCandidates(
  program: Program,
  activations: readonly Activation[],
  exact: ExactRun,
  { context, products, pricePlan, held, synthetic }: ChoiceRequest,
): JointChoice {
  const { accuracyBudget: budget } = context.options;
  invariant(budget !== null, 'a budget asks for the search');
  const elements = program.outputs.map(({ value }) =>
    elementCount(shapeOf(operationOf(program, value).type)),
  );
  const measure = accuracyMeasure(budget, elements);
  const pricing = pricingWork(context.work);
  const estimates = degreePrices(program, activations, context, pricing);
  const prices = planPrices(estimates);
  const ladders = activations.map((_, k) => ladderOf(estimates, k));
  const run = candidateRunner(program, activations, exact);
  const samples = exact.outputs[0]?.samples ?? 1;
  const perRun = Math.max(1, products * samples);

  // Run when a choice is first measured on them: where none comes near the budget they are not.
  const heldOutputs: (readonly SampleMatrix[])[] = [];
  const heldExact = (piece: number): readonly SampleMatrix[] =>
    (heldOutputs[piece] ??= runExact(program, activations, held[piece]!.inputs()).outputs);
  const images = held.reduce((sum, { count }) => sum + count, samples);
  const lossOf = (polynomials: Trial['polynomials'], fitted: number): number => {
    let total = fitted * samples;
    let measured = samples;
    for (const [piece, { inputs, count }] of held.entries()) {
      // Losses only add up: what has used the budget up already need not be tried on more.
      if (total / images > budget.value) break;
      const found = runPolynomials(program, activations, polynomials, inputs());
      total += measure.loss(heldExact(piece), found) * count;
      measured += count;
    }
    return total / measured;
  };
  const tried = new Map<string, Trial>();
  const trial = (candidates: readonly Candidate[]): Trial => {
    context.work?.spend(perRun);
    const { polynomials, outputs } = run(candidates);
    const fitted = finite(measure.loss(exact.outputs, outputs));
    return { candidates, polynomials, loss: finite(lossOf(polynomials, fitted)) };
  };
  /** The best of one reach for all activations; the first to meet the budget is good enough. */
  const ofDegrees = (own: readonly number[]): Trial => {
    const known = tried.get(own.join());
    if (known !== undefined) return known;
    let best: Trial | null = null;
    for (const reach of reaches) {
      const found = trial(own.map((degree) => ({ degree, reach })));
      if (best === null || found.loss < best.loss) best = found;
      if (best.loss <= budget.value) break;
    }
    invariant(best !== null, 'there is a reach');
    tried.set(own.join(), best);
    return best;
  };
  const degreesOf = (choice: readonly number[]): number[] =>
    choice.map((place, k) => ladders[k]![place]!);
  const refined = new Map<string, Trial>();
  const settle = (own: readonly number[]): Trial => {
    const known = refined.get(own.join());
    if (known !== undefined) return known;
    const found = refineReaches(ofDegrees(own), trial, activations.length);
    refined.set(own.join(), found);
    return found;
  };
  /**
   * What `find` takes for the cheapest, compiled, until it is one that was, or the work for prices is
   * used up; null where there is none.
   */
  const cheapestPlan = <T>(
    find: () => T,
    degreesIn: (found: T) => readonly number[] | null,
    most: number,
  ): T => {
    const end = prices.compiled() + most;
    for (;;) {
      const found = find();
      const own = degreesIn(found);
      if (own === null || pricePlan === null) return found;
      if (prices.of(own).compiled || prices.compiled() >= end) return found;
      const { polynomials } = settle(own);
      const plan = pricing.attempt(() => pricePlan(polynomials, pricing.budget));
      if (plan === 'given up') return found;
      prices.learn(own, plan);
    }
  };
  const evaluations = Math.floor(maxProducts / perRun / reaches.length);
  const { best, exhaustive, measured } = cheapestPlan<SearchResult>(
    () =>
      searchChoice({
        candidates: ladders.map(({ length }) => length),
        fits: (choice) => prices.fits(degreesOf(choice)),
        cost: (choice) => prices.of(degreesOf(choice)).seconds,
        loss: (choice) => ofDegrees(degreesOf(choice)).loss,
        budget: budget.value,
        evaluations: Math.min(mostEvaluations, Math.max(leastEvaluations, evaluations)),
      }),
    (found) => (found.best === null ? null : degreesOf(found.best.choice)),
    mostPlans,
  );
  // No plan has one degree throughout where none has any; to find that out would take a packing search.
  const findUniform = (): readonly number[] | null =>
    degrees
      .map((degree) => activations.map(() => degree))
      .filter((own) => prices.fits(own))
      .sort((a, b) => prices.of(a).seconds - prices.of(b).seconds)
      .find((own) => ofDegrees(own).loss <= budget.value) ?? null;
  const uniform = best === null ? null : cheapestPlan(findUniform, (own) => own, mostUniformPlans);
  // Where none could be compiled, the compiler says why of the first.
  const found = best === null ? null : degreesOf(best.choice);
  const chosenDegrees = prices.cheapestPlan() ?? found ?? prices.refused();
  if (chosenDegrees === null) {
    throw unreachable(
      program,
      activations,
      estimates,
      budget,
      measured.map(({ choice, loss }) => ({ degrees: degreesOf(choice), loss })),
    );
  }
  const chosen = settle(chosenDegrees);
  const entry = (own: readonly number[], loss: number) => ({
    degrees: own,
    loss,
    ...prices.of(own),
  });
  const listed = measured
    .map(({ choice, loss }) => entry(degreesOf(choice), loss))
    .filter(({ seconds }) => Number.isFinite(seconds))
    .sort((a, b) => a.seconds - b.seconds);
  const at = listed.findIndex((own) => own.degrees.join() === chosenDegrees.join());
  const start = Math.max(0, Math.min(at - maxListed / 2, listed.length - maxListed));
  return {
    polynomials: chosen.polynomials,
    note: {
      kind: 'joint-choice',
      budget,
      images,
      fittedImages: samples,
      synthetic,
      chosen: entry(chosenDegrees, chosen.loss),
      nodes: activations.map(({ id }) => operationOf(program, id).location),
      reaches: chosen.candidates.map(({ reach }) => reach),
      uniform: uniform === null ? null : entry(uniform, settle(uniform).loss),
      exhaustive: exhaustive && chosenDegrees.join() === found?.join(),
      measured: measured.length,
      candidates: listed.slice(start, start + maxListed),
    },
  };
}

/** Other reaches, one activation at a time, where they lose less. */
function refineReaches(
  chosen: Trial,
  trial: (candidates: readonly Candidate[]) => Trial,
  count: number,
): Trial {
  let best = chosen;
  for (let k = 0; k < count; k++) {
    for (const reach of reaches) {
      const own = best.candidates[k];
      invariant(own !== undefined, 'one candidate an activation');
      if (own.reach === reach || best.loss === 0) continue;
      const found = trial(best.candidates.with(k, { ...own, reach }));
      if (found.loss < best.loss) best = found;
    }
  }
  return best;
}

/** The degrees of which no larger one takes as few levels and products. */
function ladderOf(prices: DegreePrices, activation: number): readonly number[] {
  const cost = (degree: number): readonly [number, number] => [
    prices.levelsOf(activation, degree),
    prices.productsOf(activation, degree),
  ];
  return degrees.filter((degree, n) => {
    const [levels, products] = cost(degree);
    return degrees.slice(n + 1).every((larger) => {
      const [own, more] = cost(larger);
      return own > levels || more > products;
    });
  });
}

/** Not even the nearest figures of a value that overflows are figures. */
function finite(loss: number): number {
  return Number.isFinite(loss) ? loss : Number.MAX_VALUE;
}

function lossText({ kind }: AccuracyBudget, loss: number): string {
  if (loss === Number.MAX_VALUE) return 'more than can be told';
  return kind === 'points' ? `${loss.toFixed(2)} points` : `a divergence of ${loss.toPrecision(3)}`;
}

function unreachable(
  program: Program,
  activations: readonly Activation[],
  prices: DegreePrices,
  budget: AccuracyBudget,
  measured: readonly { readonly degrees: readonly number[]; readonly loss: number }[],
): CipherloomError {
  const nearest = measured.reduce<(typeof measured)[number] | null>(
    (best, own) => (best === null || own.loss < best.loss ? own : best),
    null,
  );
  const wanted = nearest?.degrees ?? activations.map(() => degrees.at(-1)!);
  const levels = prices.layers.map(({ activation, levels: own, ...layer }) => {
    const degree = activation === null ? null : wanted[activation]!;
    const needed = degree === null ? own : prices.levelsOf(activation!, degree);
    return { ...layer, degree, levels: needed };
  });
  const needed = prices.room(wanted).levels;
  const lines = levels.map(
    ({ node, op, degree, levels: own }) =>
      `  ${node ?? op}: ${own}${degree === null ? '' : ` (degree ${degree})`}`,
  );
  const first = nearest === null ? 'no combination of degrees fits the levels there are' : null;
  const message =
    first ??
    `no degrees of the activations that fit ${prices.available} levels lose as little as ${lossText(budget, budget.value)}; the nearest loses ${lossText(budget, nearest!.loss)}`;
  return new CipherloomError(
    nearest === null ? 'LEVELS_EXHAUSTED' : 'ACCURACY_UNREACHABLE',
    [
      message,
      `levels layer by layer, ${needed} needed, ${prices.available} available:`,
      ...lines,
    ].join('\n'),
    {
      phase: 'nn',
      node: operationOf(program, activations[0]!.id).location ?? undefined,
      details: {
        budget,
        nearest: nearest?.loss ?? null,
        degrees: wanted,
        levelsNeeded: needed,
        levelsAvailable: prices.available,
        layers: levels,
      },
      hint:
        nearest === null
          ? 'train a network with fewer layers, or with x * x in place of activations: each costs a level at least'
          : `--accuracy-budget ${budget.kind === 'kl' ? 'kl:' : ''}${roundedUp(nearest.loss)}, more --calibration images, or a network trained with smaller ranges or with polynomials`,
    },
  );
}

/** Three digits, never less than the loss. */
function roundedUp(loss: number): string {
  const digit = 10 ** (Math.floor(Math.log10(Math.max(loss, 1e-6))) - 2);
  return String(Number((Math.ceil(loss / digit) * digit).toPrecision(3)));
}
