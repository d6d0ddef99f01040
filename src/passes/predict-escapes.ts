/** Predict how probable it is that an image leaves a calibrated range. */
import { interpret } from '../ir/interpret.ts';
import { operationOf } from '../ir/program.ts';
import type { Program, ValueId } from '../ir/program.ts';
import { magnitude } from '../ir/types.ts';
import { definePass } from './define-pass.ts';
import type { PassContext, PassNote } from './define-pass.ts';
import { escapeProbability } from './ranges/escape-probability.ts';
import { samplesOf } from './ranges/samples.ts';
import { alsoSeen, nothingSeen, seenMagnitude } from './ranges/seen-range.ts';
import type { Seen } from './ranges/seen-range.ts';

/** Images that are run: more narrow a tail by little. */
const maxImages = 128;

export default definePass({
  name: 'predict-escapes',
  summary: 'Predict how probable it is that an image leaves a calibrated range.',
  phase: 'nn',
  notesOnly: true,
  run(program, context) {
    // An estimate within a budget of work tells nothing of escapes.
    if (context.work !== undefined) return program;
    const bounds = boundsOf(program, context.notes ?? new Map());
    if (bounds.length === 0) return program;
    const { synthetic, constant, images } = samplesOf(program, context);
    if (synthetic || constant.length > 0) return program;
    const count = Math.min(images.length, maxImages);
    const chosen = Array.from(
      { length: count },
      (_, n) => images[Math.floor((n * images.length) / count)]!,
    );
    const watched = new Set(bounds.map(({ value }) => value));
    const seen = new Map<ValueId, Seen[]>();
    for (const image of chosen) {
      interpret(program, image(), {
        observe: (id, _, value) => {
          if (!watched.has(id)) return;
          seen.set(id, [...(seen.get(id) ?? []), alsoSeen(nothingSeen, value)]);
        },
      });
    }
    note(bounds, seen, context);
    return program;
  },
});

/** A limit that a value of every image may exceed. */
interface Bound {
  readonly value: ValueId;
  readonly node: string | null;
  readonly limit: number;
  /** What is held against the limit. */
  readonly of: (seen: Seen) => number;
}

/**
 * The limits that inputs in their declared range can exceed: magnitudes of calibrated ranges, beyond
 * which values wrap, and the ends of fits, beyond which a polynomial leaves its activation.
 */
function boundsOf(program: Program, notes: ReadonlyMap<string, readonly PassNote[]>): Bound[] {
  const approximated = new Set(
    [...notes.values()].flat().flatMap((fact) => (fact.kind === 'approximation' ? fact.node : [])),
  );
  const last = new Map(program.operations.map(({ location }, value) => [location, value]));
  const calibrated = program.operations.flatMap(({ type, location }, value): Bound[] =>
    // What is between an argument and its result leaves its range where the argument leaves the fit.
    type.range?.source === 'calibrated' &&
    (!approximated.has(location) || last.get(location) === value)
      ? [{ value, node: location, limit: magnitude(type.range), of: seenMagnitude }]
      : [],
  );
  const fits = [...notes.values()].flat().flatMap((fact): Bound[] => {
    if (fact.kind !== 'approximation') return [];
    const { node, range } = fact;
    const activation = program.operations.find(({ location }) => location === node);
    const value = activation?.operands.find(
      (operand) => operationOf(program, operand).location !== node,
    );
    if (value === undefined) return [];
    const known = operationOf(program, value).type.range;
    const proved = known !== null && known.source !== 'calibrated' ? known : null;
    return [
      ...(proved?.hi === range[1] ? [] : [{ value, node, limit: range[1], of: highest }]),
      ...(proved?.lo === range[0] ? [] : [{ value, node, limit: -range[0], of: lowest }]),
    ];
  });
  return [...calibrated, ...fits];
}

const highest = ({ hi }: Seen): number => hi;
const lowest = ({ lo }: Seen): number => -lo;

/** Notes the escape of each node, and of the program: at most the sum of all. */
function note(
  bounds: readonly Bound[],
  seen: ReadonlyMap<ValueId, readonly Seen[]>,
  context: PassContext,
): void {
  const byNode = new Map<string | null, number>();
  const counted = new Set<string>();
  for (const { value, node, limit, of } of bounds) {
    const maxima = (seen.get(value) ?? []).map(of);
    const probability = escapeProbability(maxima, limit);
    if (probability === null) return;
    // A reshaped value leaves its range when the value does.
    const key = [limit, ...maxima].join();
    if (counted.has(key)) continue;
    counted.add(key);
    byNode.set(node, Math.min(1, (byNode.get(node) ?? 0) + probability));
  }
  for (const [node, probability] of byNode) context.note({ kind: 'escape', node, probability });
  const total = [...byNode.values()].reduce((sum, own) => sum + own, 0);
  context.note({ kind: 'figure', name: 'rangeEscape', value: Math.min(1, total) });
}
