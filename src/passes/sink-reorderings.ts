/** Move transpositions and reshapes through elementwise operators to where they cost nothing. */
import { invariant } from '../errors.ts';
import { buildProgram } from '../ir/build.ts';
import type { ProgramBuilder } from '../ir/build.ts';
import { operationOf, usersOf } from '../ir/program.ts';
import type { Operation, Program, ValueId } from '../ir/program.ts';
import { sameShape, shapeOf } from '../ir/types.ts';
import { definePass } from './define-pass.ts';
import { isAffine } from './linear/affine-form.ts';
import {
  attributesBefore,
  isElementwise,
  reorderedAttributes,
  reorderingOf,
} from './reorderings/movable.ts';
import {
  inRow,
  inverse,
  permutationOf,
  resultShape,
  sameReordering,
  transposedBy,
  unordered,
} from './reorderings/reordering.ts';
import type { Reordering } from './reorderings/reordering.ts';

/*
 * A reordering beside a linear operator is composed with it and costs nothing; alone between two
 * multiplications it costs a level. So each moves down to the next linear operator, and inverse ones
 * meet and cancel. One that would reach an output instead moves up, to the linear operator
 * that made what it reorders.
 */
export default definePass({
  name: 'sink-reorderings',
  summary:
    'Move transpositions and reshapes through elementwise operators to where they cost nothing.',
  phase: 'nn',
  run(program) {
    const moves = program.operations.some(({ op }) => op === 'nn.transpose' || op === 'nn.reshape');
    return moves ? moveDown(moveUp(program)) : program;
  },
});

/** Whether what is made of a value reaches an output, or what is no polynomial, before a linear operator. */
function reachesEnd(program: Program): boolean[] {
  const users = usersOf(program);
  const ends = program.operations.map(() => false);
  for (const { value } of program.outputs) ends[value] = true;
  for (let id = program.operations.length - 1; id >= 0; id--) {
    ends[id] ||= (users[id] ?? []).some((user) => {
      const reader = operationOf(program, user);
      if (isElementwise(program, reader) || reorderingOf(program, reader) !== null)
        return ends[user];
      return !isAffine(program, reader) && !pools.has(reader.op);
    });
  }
  return ends;
}

/** Operators that lower-pooling turns into linear ones. */
const pools: ReadonlySet<string> = new Set(['nn.average-pool', 'nn.max-pool']);

/** Append the steps of a reordering behind a value. */
function reorder(
  builder: ProgramBuilder,
  value: ValueId,
  { steps }: Reordering,
  location: string | null,
): ValueId {
  return steps.reduce(
    (before, step) =>
      step.kind === 'reshape'
        ? builder.add('nn.reshape', [before], { shape: step.to }, { location })
        : builder.add('nn.transpose', [before], { permutation: step.permutation }, { location }),
    value,
  );
}

/** An elementwise operation on operands of another order. */
function rebuilt(
  builder: ProgramBuilder,
  operation: Operation,
  operands: readonly ValueId[],
  order: Reordering,
): ValueId {
  const attributes = reorderedAttributes(operation, order, {
    of: (reference) => builder.constantValue(reference),
    add: (value, hint) => builder.constant(value, hint),
  });
  const { location, type } = operation;
  return builder.add(operation.op, operands, attributes, { location, range: type.range });
}

/** Move the reorderings that would reach an end up through elementwise operators. */
function moveUp(program: Program): Program {
  const wanted = wantedOrders(program);
  const builder = buildProgram(program.name, program);
  const values: ValueId[] = [];
  const moved = new Map<string, ValueId>();
  /** A value in the order in which a reader wants it. */
  const inOrder = (id: ValueId, order: Reordering, location: string | null): ValueId => {
    const value = values[id];
    invariant(value !== undefined, 'operands come before their users');
    if (order.steps.length === 0 || isMade(id)) return value;
    const key = JSON.stringify([id, order]);
    const known = moved.get(key) ?? reorder(builder, value, order, location);
    moved.set(key, known);
    return known;
  };
  const isMade = (id: ValueId): boolean => {
    const operation = operationOf(program, id);
    return (
      wanted[id] !== null &&
      (isElementwise(program, operation) || reorderingOf(program, operation) !== null)
    );
  };
  const ends = reachesEnd(program);
  program.operations.forEach((operation, id) => {
    const { op, operands, location, type } = operation;
    const order = wanted[id] ?? unordered(shapeOf(type));
    const own = reorderingOf(program, operation);
    if (own !== null && ends[id] === true) {
      const [x = -1] = operands;
      values.push(inOrder(x, inRow(own, order), location));
    } else if (isElementwise(program, operation)) {
      const reordered = operands.map((operand) => inOrder(operand, order, location));
      values.push(rebuilt(builder, operation, reordered, order));
    } else {
      const kept = operands.map((operand) => values[operand] ?? -1);
      values.push(builder.add(op, kept, operation.attributes, { location, range: type.range }));
    }
  });
  return builder.finish(
    program.outputs.map((output) => ({ ...output, value: values[output.value] ?? -1 })),
  );
}

/**
 * The reordering behind each value that all of its readers agree on and that linear operators
 * before it take, or null.
 */
function wantedOrders(program: Program): (Reordering | null)[] {
  const users = usersOf(program);
  const ends = reachesEnd(program);
  const outputs = new Set(program.outputs.map(({ value }) => value));
  const wanted: (Reordering | null)[] = program.operations.map(() => null);
  for (let id = program.operations.length - 1; id >= 0; id--) {
    if (outputs.has(id)) continue;
    const orders = (users[id] ?? []).map((user): Reordering | null => {
      const reader = operationOf(program, user);
      const own = reorderingOf(program, reader);
      if (own !== null) {
        if (ends[user] !== true) return null;
        const behind = wanted[user] ?? null;
        return behind === null ? own : inRow(own, behind);
      }
      return isElementwise(program, reader) ? (wanted[user] ?? null) : null;
    });
    const [first = null, ...others] = orders;
    const agreed = others.every(
      (order) => order !== null && first !== null && sameReordering(order, first),
    );
    wanted[id] = agreed && first !== null && first.steps.length > 0 ? first : null;
  }
  program.operations.forEach((operation, id) => {
    const passesOn = isElementwise(program, operation) || reorderingOf(program, operation) !== null;
    const taken = passesOn
      ? operation.operands.every((operand) => wanted[operand] !== null)
      : isAffine(program, operation);
    if (!taken) wanted[id] = null;
  });
  return wanted;
}

/** A value of the new program, and the reordering that stands between it and the old one. */
interface Pending {
  readonly source: ValueId;
  readonly order: Reordering;
  readonly location: string | null;
  /** The old value, once a reader needed it. */
  value: ValueId | null;
}

/** Move all other reorderings down to the linear operators that read them. */
function moveDown(program: Program): Program {
  const builder = buildProgram(program.name, program);
  const users = usersOf(program);
  const ends = reachesEnd(program);
  const values: Pending[] = [];
  const of = (id: ValueId): Pending => {
    const pending = values[id];
    invariant(pending !== undefined, 'operands come before their users');
    return pending;
  };
  const settled = (id: ValueId): ValueId => {
    const pending = of(id);
    pending.value ??= reorder(builder, pending.source, pending.order, pending.location);
    return pending.value;
  };
  /** Whether a linear operator makes a value, which takes a reordering of it. */
  const absorbs = (id: ValueId): boolean => {
    const operation = operationOf(program, id);
    if ((users[id]?.length ?? 0) > 1 || isElementwise(program, operation)) return false;
    if (reorderingOf(program, operation) !== null) return absorbs(operation.operands[0] ?? -1);
    return isAffine(program, operation);
  };
  /** The operands as values of one order; at most one of two gets a reordering of its own. */
  const together = (operands: readonly ValueId[]): { sources: ValueId[]; order: Reordering } => {
    const [a = -1, b = a] = operands;
    const [first, second] = [of(a), of(b)];
    if (sameReordering(first.order, second.order)) {
      return { sources: operands.map((operand) => of(operand).source), order: first.order };
    }
    const kept = absorbs(b) && !absorbs(a) ? first : second;
    const sources = operands.map((operand) => {
      const { source, order, location } = of(operand);
      if (sameReordering(order, kept.order)) return source;
      return reorder(builder, source, inRow(order, inverse(kept.order)), location);
    });
    return { sources, order: kept.order };
  };
  const made = (source: ValueId, order: Reordering, location: string | null): Pending => ({
    source,
    order,
    location,
    value: order.steps.length === 0 ? source : null,
  });

  program.operations.forEach((operation, id) => {
    const { op, operands, attributes, location, type } = operation;
    const [x = -1] = operands;
    const own = reorderingOf(program, operation);
    if (own !== null && ends[id] !== true) {
      const before = of(x);
      values.push(made(before.source, inRow(before.order, own), location));
      return;
    }
    if (isElementwise(program, operation)) {
      const { sources, order } = together(operands);
      const value = rebuilt(builder, operation, sources, inverse(order));
      const place = operands.map(of).find((pending) => pending.order.steps.length > 0);
      values.push(made(value, order, place?.location ?? location));
      return;
    }
    const permutation = ends[id] === true ? null : commonPermutation(operands.map(of));
    const before = permutation === null ? null : attributesBefore(operation, permutation);
    if (permutation !== null && before !== null) {
      const sources = operands.map((operand) => of(operand).source);
      const value = builder.add(op, sources, before, { location, range: type.range });
      const order = transposedBy(unordered(shapeOf(builder.typeOf(value))), permutation);
      invariant(sameShape(resultShape(order), shapeOf(type)), 'a moved operator keeps its shape');
      values.push(made(value, order, of(x).location));
      return;
    }
    const value = builder.add(op, operands.map(settled), attributes, {
      location,
      range: type.range,
    });
    values.push(made(value, unordered(shapeOf(type)), location));
  });
  return builder.finish(
    program.outputs.map((output) => ({ ...output, value: settled(output.value) })),
  );
}

/** The transposition behind every operand, or null. */
function commonPermutation(operands: readonly Pending[]): readonly number[] | null {
  const [first, ...others] = operands.map(({ order }) => permutationOf(order));
  if (first === undefined || first === null) return null;
  return others.every((other) => other !== null && sameShape(other, first)) ? first : null;
}
