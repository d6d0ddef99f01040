/** The search for layouts: which of a space make a whole network cheapest, by modelled time. */
import { CipherloomError, invariant } from '../../errors.ts';
import { identityMap } from '../../ir/linear-map.ts';
import { operationOf, usersOf } from '../../ir/program.ts';
import type { Operation, Program, ValueId } from '../../ir/program.ts';
import { isPublicInput, publicOperand } from '../../ir/public-values.ts';
import { sameShape, shapeOf } from '../../ir/types.ts';
import { samePlaces, zeroUnused } from '../../layout/layout.ts';
import type { Layout } from '../../layout/layout.ts';
import { encodingSeconds, noConstants, profileOf } from '../cost/profile.ts';
import type { OperationSeconds } from '../cost/profile.ts';
import type { PassContext, PassNote } from '../define-pass.ts';
import { isEnabled } from '../optimisations.ts';
import { likelySpecialPrimes } from '../params/special-primes.ts';
import type { Candidate } from './candidates.ts';
import { levelsBelow, mappedProducts, sharedLevelsOf } from './depth.ts';
import { relinearisationSeconds } from './late-relinearisation.ts';
import { layoutTable } from './layout-table.ts';
import { leavesSums, leftoverBound, leftoversFit } from './leftovers.ts';
import { mapsOf, rangesOf } from './linear-operands.ts';
import { hasTooManyChoices, listingOf, stepsOf } from './listing.ts';
import { treeOfOperation } from './operation-tree.ts';
import { linearCosts, planLinear, planLinearWithin } from './plan-linear.ts';
import type { LinearCosts, LinearPlan } from './plan-linear.ts';
import { treeProducts } from './polynomial-tree.ts';
import type { Space } from './spaces.ts';

/** Partial choices kept after each operation. Work, not time, bounds the search. */
const beamWidth = 4;

/** Combinations of input layouts that wait for a linear map: their number doubles with every input. */
const inputStates = 64;

/**
 * Times the cheapest layout of a layer at which another is given up: no later layer makes up for it,
 * and to list all of its diagonals would take most of the search.
 */
const hopeless = 16;

/** A choice of layouts for the values made so far. */
interface State {
  readonly seconds: number;
  /** Of the encoded constants so far. */
  readonly constantBytes: number;
  readonly chosen: readonly Candidate[];
  /** The distinct layouts among them, unused slots zero. */
  readonly layouts: ReadonlySet<Layout>;
}

/** What a candidate was found to cost, for explanations. */
type Considered = Omit<Extract<PassNote, { kind: 'choice' }>['candidates'][number], 'name'>;

/** By name of the candidate: its cheapest. */
type Table = Map<string, Considered>;

function consider(table: Table, name: string, found: Considered): void {
  const known = table.get(name);
  if (known === undefined || found.seconds < known.seconds) table.set(name, found);
}

/** A state and a layout for the next value: most are dropped before the longer list is made. */
interface Extension {
  readonly seconds: number;
  readonly constantBytes: number;
  readonly state: State;
  readonly candidate: Candidate;
}

/** What a search found. */
export interface Packing {
  readonly choices: readonly Candidate[];
  readonly seconds: number;
  readonly notes: readonly PassNote[];
}

/**
 * Beam search over the program, operation by operation; the cheapest few partial choices survive.
 *
 * Layouts are those of a space. Throws MODEL_UNSUPPORTED where none of them holds a value.
 */
export function searchLayouts(program: Program, context: PassContext, space: Space): Packing {
  const below =
    context.shareRescales === true
      ? levelsBelow(program, sharedLevelsOf(program))
      : levelsBelow(program);
  const users = usersOf(program);
  const mapped = context.shareRescales === true ? mappedProducts(program) : new Set<Operation>();
  /** Whether a map reads products alone that nothing else reads: it is charged their relinearisation. */
  const relinearises = ({ op, operands }: Operation): boolean =>
    op === 'nn.linear' &&
    isEnabled(context.options, 'lazy-relinearise') &&
    operands.every(
      (operand) => mapped.has(operationOf(program, operand)) && users[operand]?.length === 1,
    );
  /** Relinearisations of a value that the map behind it is charged. */
  const leftToMap = (id: ValueId): number =>
    users[id]?.some((user) => relinearises(operationOf(program, user))) === true ? 1 : 0;
  const special = likelySpecialPrimes(program, context);
  const known = new Map<number, LinearCosts>();
  const costs = (level: number): LinearCosts => {
    const made =
      known.get(level) ?? linearCosts(context.options, context.ringDegree, level + 1, special);
    known.set(level, made);
    return made;
  };
  const price = (level: number): OperationSeconds => costs(level).seconds;
  const memo = new Map<string, LinearPlan>();
  const considered = new Map<string, Table>();
  // A layer's costs depend on where its operands stand: one table for each choice of them.
  const tableOf = (value: ValueId, state: State): Table => {
    const { operands } = operationOf(program, value);
    const key = [value, ...operands.map((operand) => keyOf(layoutAt(state, operand)))].join('|');
    const table = considered.get(key) ?? new Map<string, Considered>();
    considered.set(key, table);
    return table;
  };
  const { keyOf, unique, isValidOnce, mostCopiesOf } = layoutTable();
  const profile = profileOf(context.options);
  const extended = ({ seconds, constantBytes, state, candidate }: Extension): State => {
    const layout = unique({ ...candidate.layout, unused: zeroUnused });
    const layouts = state.layouts.has(layout) ? state.layouts : new Set(state.layouts).add(layout);
    return { seconds, constantBytes, chosen: [...state.chosen, candidate], layouts };
  };

  let beam: State[] = [{ seconds: 0, constantBytes: 0, chosen: [], layouts: new Set() }];
  program.operations.forEach((operation, id) => {
    const level = below[id] ?? 0;
    const shape = shapeOf(operation.type);
    const next: Extension[] = [];
    const extend = (
      state: State,
      candidate: Candidate,
      seconds: number,
      constants = noConstants,
    ): void => {
      const again = encodingSeconds(constants, state.constantBytes, profile);
      next.push({
        seconds: state.seconds + seconds + again,
        constantBytes: state.constantBytes + constants.bytes,
        ...{ state, candidate },
      });
    };
    if (isPublicInput(operation)) {
      // The server lays it out as the value it meets; nothing is chosen.
      const [candidate] = space.inputs(shape, null);
      invariant(candidate !== undefined, 'every shape has a layout');
      beam = beam.map((state) => extended({ ...state, state, candidate }));
      return;
    }
    if (operation.op === 'nn.input') {
      const reader = users[id]
        ?.map((user) => operationOf(program, user))
        .find((user) => user.op === 'nn.linear');
      const first =
        reader === undefined
          ? null
          : (mapsOf(program, reader)[reader.operands.indexOf(id)] ?? null);
      for (const state of beam) {
        for (const candidate of space.inputs(shape, first)) {
          const seconds = candidate.layout.ciphertexts * price(level).upload;
          extend(state, candidate, seconds);
        }
      }
      // Every input layout must survive until a linear map shows what it is worth.
      beam = next
        .sort((a, b) => a.seconds - b.seconds)
        .slice(0, inputStates)
        .map(extended);
      return;
    }
    if (operation.op === 'nn.linear') {
      const maps = mapsOf(program, operation);
      const linear = costs(level + 1);
      const at = linear.seconds;
      const leftovers = leftoverBound(maps, rangesOf(program, operation));
      const alsoRelinearises = relinearises(operation);
      const mayLeave = leftoversFit(program, users, below, id, leftovers);
      for (const state of beam) {
        const table = tableOf(id, state);
        const inputs = operation.operands.map((operand) => layoutAt(state, operand));
        const candidates = space
          .outputs(shape, maps, inputs, isValidOnce)
          .filter((candidate) => mayLeave || !leavesSums(candidate))
          .map((candidate) => ({ ...candidate, layout: unique(candidate.layout) }));
        // A branch that will meet another one may take its layout.
        for (const layout of state.layouts) {
          if (sameShape(layout.shape, shape)) {
            candidates.push({ name: 'layout of an earlier value', layout, fold: null });
          }
        }
        let cheapest = Infinity;
        for (const [n, candidate] of candidates.entries()) {
          const listing = listingOf(maps, inputs, candidate, mostCopiesOf);
          // Something always remains.
          const needed = cheapest === Infinity && n === candidates.length - 1;
          if (!needed && hasTooManyChoices(listing)) continue;
          const key = [
            id,
            ...inputs.map(keyOf),
            keyOf(candidate.layout),
            JSON.stringify(candidate.fold),
          ].join('|');
          let plan = memo.get(key);
          if (plan === undefined) {
            context.work?.spend(stepsOf(listing));
            const { layout, fold } = candidate;
            const most = hopeless * cheapest;
            plan = planLinearWithin(maps, inputs, layout, fold, linear, most) ?? undefined;
            if (plan === undefined) continue;
            memo.set(key, plan);
          }
          const { rotations, diagonals } = plan;
          const switching = alsoRelinearises
            ? relinearisationSeconds(inputs, candidate.layout, diagonals, at)
            : { early: 0, late: 0 };
          const seconds = plan.seconds + Math.min(switching.early, switching.late);
          cheapest = Math.min(cheapest, seconds);
          const { ciphertexts } = candidate.layout;
          consider(table, candidate.name, { seconds, ciphertexts, rotations, diagonals });
          extend(state, candidate, seconds, plan.constants);
          for (const operand of operation.operands) {
            if (operationOf(program, operand).op !== 'nn.input') continue;
            // An input costs what reading it costs: with the cheapest result for each of its layouts.
            const from = state.chosen[operand];
            if (from === undefined) continue;
            const sent = from.layout.ciphertexts * at.upload;
            consider(tableOf(operand, state), from.name, {
              seconds: sent + seconds,
              ciphertexts: from.layout.ciphertexts,
              rotations,
              diagonals,
            });
          }
        }
      }
    } else if (operation.op === 'nn.polynomial') {
      const products = treeProducts(treeOfOperation(program, operation));
      for (const state of beam) {
        const [operand = 0] = operation.operands;
        const from = state.chosen[operand];
        invariant(from !== undefined, 'operands are laid out first');
        const at = price(level + 1);
        const relinearised = products - leftToMap(id);
        const each = products * (at.square + at.rescale) + relinearised * at.relinearize;
        extend(state, { ...from, fold: null }, from.layout.ciphertexts * each);
      }
    } else if (publicOperand(program, operation) !== null) {
      const { x } = publicOperand(program, operation) ?? {};
      for (const state of beam) {
        const from = state.chosen[x ?? -1];
        invariant(from !== undefined, 'operands are laid out first');
        const at = price(level + 1);
        const each =
          operation.op === 'nn.mul' ? at.encode + at.multiplyPlain + at.rescale : at.encode;
        extend(state, { ...from, fold: null }, from.layout.ciphertexts * each);
      }
    } else {
      // Two operands, slot by slot: alike, or the second is moved by an identity map.
      const [a = 0, b = 0] = operation.operands;
      for (const state of beam) {
        const from = state.chosen[a];
        invariant(from !== undefined, 'operands are laid out first');
        const same = samePlaces(layoutAt(state, a), layoutAt(state, b));
        const move = same
          ? 0
          : planLinear(
              [identityMap(shape)],
              [layoutAt(state, b)],
              from.layout,
              null,
              costs(level + 1),
            ).seconds;
        const at = price(level + 1);
        const product =
          operation.op === 'nn.mul' ? at.multiply + (1 - leftToMap(id)) * at.relinearize : 0;
        extend(state, { ...from, fold: null }, move + from.layout.ciphertexts * product);
      }
    }
    beam = prune(next, keyOf).map(extended);
    if (beam.length === 0) throw noLayout(operation, shape);
  });
  const [best] = beam;
  invariant(best !== undefined, 'every program has at least one packing');
  const notes = program.operations.flatMap(({ location }, id): PassNote[] => {
    const chosen = best.chosen[id];
    const table = tableOf(id, best);
    if (chosen === undefined || !table.has(chosen.name)) return [];
    const candidates = [...table]
      .map(([name, found]) => ({ name, ...found }))
      .sort((x, y) => x.seconds - y.seconds);
    return [{ kind: 'choice', node: location, chosen: chosen.name, candidates }];
  });
  return {
    choices: best.chosen.map((candidate) => space.withBatch(candidate)),
    seconds: best.seconds,
    notes: [...notes, { kind: 'figure', name: 'modelledSeconds', value: best.seconds }],
  };
}

/** Layouts hold tensors of some dozens of axes. */
function noLayout({ location, op }: Operation, shape: readonly number[]): CipherloomError {
  const node = location ?? op;
  return new CipherloomError(
    'MODEL_UNSUPPORTED',
    `no layout holds the result of ${node}, which has ${shape.length} axes`,
    {
      phase: 'packed',
      node,
      details: { axes: shape.length },
      hint: 'reshape it to fewer axes: those of extent 1 hold nothing',
    },
  );
}
function layoutAt(state: State, value: ValueId): Layout {
  const candidate = state.chosen[value];
  invariant(candidate !== undefined, 'operands are laid out first');
  return candidate.layout;
}

/** Keep the cheapest states; of states that end in the same layout, the cheapest only. */
function prune(
  extensions: readonly Extension[],
  keyOf: (layout: Layout) => string,
): readonly Extension[] {
  const kept: Extension[] = [];
  const seen = new Set<string>();
  for (const extension of [...extensions].sort((a, b) => a.seconds - b.seconds)) {
    const key = keyOf(extension.candidate.layout);
    if (seen.has(key)) continue;
    seen.add(key);
    kept.push(extension);
    if (kept.length === beamWidth) break;
  }
  return kept;
}
