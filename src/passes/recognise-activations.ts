/** Gather elementwise expressions in one value that hold several activations, or one beside its argument. */
import { constantAttribute, textOf } from '../ir/attribute-values.ts';
import { invariant } from '../errors.ts';
import { rewriteProgram } from '../ir/build.ts';
import type { ActivationName, ActivationParameters } from '../ir/nn/activation-functions.ts';
import { maxCompositeSteps } from '../ir/nn/composite-steps.ts';
import type { CompositeStep } from '../ir/nn/composite-steps.ts';
import { operationOf } from '../ir/program.ts';
import type { Operation, Program, ValueId } from '../ir/program.ts';
import { polynomialTerms } from '../ir/polynomial.ts';
import { sameShape, shapeOf } from '../ir/types.ts';
import { definePass } from './define-pass.ts';

/** Roots that are remembered for a value: an activation is seldom written over more operations. */
const maxRoots = 64;

/** A step of a composite, its operands being those of the operation. */
type StepRule = (
  operation: Operation,
  places: readonly number[],
  program: Program,
) => CompositeStep | null;

/** Elementwise operators as steps; null where a constant has more than one element. */
const rules: Readonly<Record<string, StepRule>> = {
  'nn.activation': (operation, [to = 0]) => {
    const parameters = operation.attributes.parameters as Readonly<Record<string, unknown>>;
    if (!Object.values(parameters).every((value) => typeof value === 'number')) return null;
    const apply = textOf(operation, 'function') as ActivationName;
    return { apply, parameters: parameters as ActivationParameters, to };
  },
  'nn.add': (_, [a = 0, b = 0]) => ({ combine: 'add', of: [a, b] }),
  'nn.add-constant': (operation, [of = 0], program) => {
    const value = only(program, operation, 'value');
    return value === null ? null : { polynomial: [value, 1], of };
  },
  'nn.identity': (_, [of = 0]) => ({ polynomial: [0, 1], of }),
  'nn.mul': (_, [a = 0, b = 0]) => ({ combine: 'multiply', of: [a, b] }),
  'nn.negate': (_, [of = 0]) => ({ polynomial: [0, -1], of }),
  'nn.polynomial': (operation, [of = 0], program) => {
    const terms = polynomialTerms(constantAttribute(program, operation, 'coefficients'));
    return terms.every(({ data }) => data.length === 1)
      ? { polynomial: terms.map(({ data }) => data[0]!), of }
      : null;
  },
  'nn.scale': (operation, [of = 0], program) => {
    const factor = only(program, operation, 'factor');
    return factor === null ? null : { polynomial: [0, factor], of };
  },
  'nn.sub': (_, [a = 0, b = 0]) => ({ combine: 'subtract', of: [a, b] }),
};

/** The one element of a constant, or null where it has several. */
function only(program: Program, operation: Operation, attribute: string): number | null {
  const { data } = constantAttribute(program, operation, attribute);
  return data.length === 1 ? data[0]! : null;
}

/** The earlier values in which a value can be expressed, by operations on single numbers. */
interface Roots {
  /** Latest first. */
  readonly roots: readonly ValueId[];
  /** Whether an activation lies between the roots and the value. */
  readonly active: boolean;
}

export default definePass({
  name: 'recognise-activations',
  summary:
    'Gather elementwise expressions in one value that hold several activations, or one beside its argument.',
  phase: 'nn',
  run(program) {
    const expressed = findRoots(program);
    const composites = chooseComposites(program, expressed);
    if (composites.size === 0) return program;
    return rewriteProgram(program, (operation, id, { builder, mapped, keep }) => {
      const steps = composites.get(id);
      if (steps === undefined) return keep();
      const { location, type } = operation;
      const root = mapped(rootOf(expressed, id));
      return builder.add('nn.composite', [root], { steps }, { location, range: type.range });
    });
  },
});

function findRoots(program: Program): Roots[] {
  const found: Roots[] = [];
  program.operations.forEach((operation, id) => {
    found.push(rootsOf(program, operation, id, found));
  });
  return found;
}

function rootsOf(
  program: Program,
  operation: Operation,
  id: ValueId,
  found: readonly Roots[],
): Roots {
  const itself: Roots = { roots: [id], active: false };
  if (stepOf(program, operation, []) === null) return itself;
  const operands = operation.operands.map((operand) => found[operand]!);
  const common = operands.reduce<readonly ValueId[] | null>(
    (roots, operand) => roots?.filter((root) => operand.roots.includes(root)) ?? operand.roots,
    null,
  );
  if (common === null || common.length === 0) return itself;
  const active = operation.op === 'nn.activation' || operands.some((operand) => operand.active);
  // What holds no activation is exact as it is and may be the root of what follows.
  const roots = active ? common : [id, ...common];
  return { roots: roots.slice(0, maxRoots), active };
}

/** The operation as a step, or null where it is none. */
function stepOf(
  program: Program,
  operation: Operation,
  places: readonly number[],
): CompositeStep | null {
  const shape = shapeOf(operation.type);
  const sameShapes = operation.operands.every((operand) =>
    sameShape(shapeOf(operationOf(program, operand).type), shape),
  );
  return sameShapes ? (rules[operation.op]?.(operation, places, program) ?? null) : null;
}

function rootOf(expressed: readonly Roots[], id: ValueId): ValueId {
  const root = expressed[id]?.roots[0];
  invariant(root !== undefined, 'a value is expressed in a root');
  return root;
}

/** The steps of the values that become composites; what only they need falls away. */
function chooseComposites(
  program: Program,
  expressed: readonly Roots[],
): Map<ValueId, CompositeStep[]> {
  const composites = new Map<ValueId, CompositeStep[]>();
  const made = new Set<ValueId>(program.outputs.map(({ value }) => value));
  for (let id = program.operations.length - 1; id >= 0; id--) {
    if (!made.has(id)) continue;
    const { op, operands } = operationOf(program, id);
    // Polynomials behind an activation are exact, and alone it is one approximation already.
    const [first = -1, second = first] = operands;
    const ends = op === 'nn.activation' ? expressed[first]?.active === true : first !== second;
    const steps =
      expressed[id]?.active === true && ends ? stepsFrom(program, rootOf(expressed, id), id) : null;
    if (steps === null) {
      for (const operand of operands) made.add(operand);
    } else {
      composites.set(id, steps);
      made.add(rootOf(expressed, id));
    }
  }
  return composites;
}

/** The operations between a root and a value as steps, or null where they are too many. */
function stepsFrom(program: Program, root: ValueId, id: ValueId): CompositeStep[] | null {
  const needed = new Set([id]);
  for (let value = id; value > root; value--) {
    if (!needed.has(value)) continue;
    for (const operand of operationOf(program, value).operands) needed.add(operand);
  }
  needed.delete(root);
  if (needed.size > maxCompositeSteps) return null;
  const places = new Map([[root, 0]]);
  return [...needed]
    .sort((a, b) => a - b)
    .map((value, n) => {
      const operation = operationOf(program, value);
      const step = stepOf(
        program,
        operation,
        operation.operands.map((operand) => places.get(operand) ?? -1),
      );
      invariant(step !== null, 'every operation behind the root is a step');
      places.set(value, n + 1);
      return step;
    });
}
