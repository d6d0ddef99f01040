/** Gather elementwise expressions in one value into polynomials. */
import { invariant } from '../errors.ts';
import { rewriteProgram } from '../ir/build.ts';
import { polynomialTerms } from '../ir/polynomial.ts';
import { operationOf } from '../ir/program.ts';
import type { Operation, Program, ValueId } from '../ir/program.ts';
import { sameShape, shapeOf } from '../ir/types.ts';
import type { Range } from '../ir/types.ts';
import { constantAttribute } from '../ir/attribute-values.ts';
import { definePass } from './define-pass.ts';
import { stackCoefficients } from './polynomial/coefficients.ts';
import {
  composeExpressions,
  degreeOfExpression,
  fitsShape,
  identityExpression,
  multiplyExpressions,
  sizeOfExpression,
  sumExpressions,
} from './polynomial/expression.ts';
import type { Expression } from './polynomial/expression.ts';

/** Higher degrees are evaluated in two steps: coefficients of more terms lose all precision. */
const maxDegree = 16;
/** Roots tried one after the other; each costs one walk over the program. */
const maxTrials = 256;

/** A value as a polynomial in an earlier one. */
interface InRoot {
  readonly root: ValueId;
  readonly expression: Expression;
}

export default definePass({
  name: 'recognise-polynomials',
  summary: 'Gather elementwise expressions in one value into polynomials.',
  phase: 'nn',
  run(program) {
    const plan = chooseRoots(program);
    return rewriteProgram(program, (operation, id, { builder, mapped, keep }) => {
      const polynomial = plan.made.has(id) ? plan.inRoots[id] : undefined;
      if (polynomial === undefined || degreeOfExpression(polynomial.expression) < 2) return keep();
      const { location, type } = operation;
      const coefficients = builder.constant(
        stackCoefficients(polynomial.expression, shapeOf(type)),
        `${location ?? 'polynomial'}.coefficients`,
      );
      const root = mapped(polynomial.root);
      return builder.add(
        'nn.polynomial',
        [root],
        { coefficients },
        { location, range: type.range },
      );
    });
  },
});

interface Plan {
  readonly inRoots: readonly InRoot[];
  /** Values that exist after the pass: as polynomials in their root, or as they were. */
  readonly made: ReadonlySet<ValueId>;
  /** Multiplications between encrypted values that are left. */
  readonly products: number;
}

/**
 * Choose the values in which the others are expressed.
 *
 * A value that is needed for itself becomes a root of what follows, so that nothing is computed
 * twice. And a root moves behind a factor and an offset, as in (s x + t)², where that leaves no more
 * products: the linear map in front takes them, and expanding the power would lose precision.
 */
function chooseRoots(program: Program): Plan {
  const cuts = new Set<ValueId>();
  let plan = planFor(program, cuts);
  for (let again = true; again;) {
    again = false;
    for (const id of plan.made) {
      const inRoot = plan.inRoots[id];
      if (inRoot === undefined || inRoot.root === id || cuts.has(id)) continue;
      if (degreeOfExpression(inRoot.expression) < 2 || !isAbsorbed(program, plan, id)) continue;
      cuts.add(id);
      again = true;
    }
    if (again) plan = planFor(program, cuts);
  }
  let trials = 0;
  // Last first: the root goes as far down as it can.
  for (let id = program.operations.length - 1; id >= 0 && trials < maxTrials; id--) {
    const inRoot = plan.inRoots[id];
    if (inRoot === undefined || inRoot.root === id) continue;
    if (degreeOfExpression(inRoot.expression) !== 1 || !isAbsorbed(program, plan, id)) continue;
    trials++;
    const tried = planFor(program, new Set([...cuts, id]));
    // The root itself is one value more; what falls apart makes others.
    if (tried.products > plan.products || tried.made.size > plan.made.size + 1) continue;
    cuts.add(id);
    plan = tried;
  }
  return plan;
}

/** Whether an operation that reads the value is expressed in the value's own root. */
function isAbsorbed(program: Program, plan: Plan, id: ValueId): boolean {
  const root = plan.inRoots[id]?.root;
  return program.operations.some(
    (operation, user) =>
      operation.operands.includes(id) &&
      user !== plan.inRoots[user]?.root &&
      plan.inRoots[user]?.root === root,
  );
}

function planFor(program: Program, cuts: ReadonlySet<ValueId>): Plan {
  const inRoots: InRoot[] = [];
  // What readers see of a value: a root, itself, stands for nothing else.
  const seen: InRoot[] = [];
  program.operations.forEach((operation, id) => {
    const own: InRoot = { root: id, expression: identityExpression };
    const inRoot = expressionOf(program, operation, seen) ?? own;
    inRoots.push(inRoot);
    seen.push(cuts.has(id) ? own : inRoot);
  });
  // Backwards: what is needed, and of that what a polynomial in an earlier value replaces.
  const made = new Set<ValueId>(program.outputs.map(({ value }) => value));
  let products = 0;
  for (let id = program.operations.length - 1; id >= 0; id--) {
    const inRoot = inRoots[id];
    const operation = program.operations[id];
    if (!made.has(id) || inRoot === undefined || operation === undefined) continue;
    const degree = degreeOfExpression(inRoot.expression);
    if (inRoot.root !== id && degree >= 2) {
      made.add(inRoot.root);
      products += productsOf(degree);
    } else {
      for (const operand of operation.operands) made.add(operand);
      if (operation.op === 'nn.mul') products++;
      if (operation.op === 'nn.polynomial') {
        products += productsOf(polynomialOf(program, operation).length - 1);
      }
    }
  }
  return { inRoots, made, products };
}

/** Fewest multiplications that reach a degree. */
function productsOf(degree: number): number {
  return degree < 2 ? 0 : Math.ceil(Math.log2(degree));
}

function polynomialOf(program: Program, operation: Operation): Expression {
  return polynomialTerms(constantAttribute(program, operation, 'coefficients'));
}

/** The value of an operation as a polynomial in the root of its operands, or null. */
function expressionOf(
  program: Program,
  operation: Operation,
  inRoots: readonly InRoot[],
): InRoot | null {
  const rule = rules[operation.op];
  const operands = operation.operands.map((operand) => inRoots[operand]);
  const [first, second = first] = operands;
  if (rule === undefined || first === undefined || second === undefined) return null;
  const shape = shapeOf(operation.type);
  const sameShapes = operation.operands.every((operand) =>
    sameShape(shapeOf(operationOf(program, operand).type), shape),
  );
  if (!sameShapes) return null;
  const constant = (name: string): Expression => [constantAttribute(program, operation, name)];
  const accepted = (candidate: InRoot): InRoot | null =>
    degreeOfExpression(candidate.expression) <= maxDegree && fitsShape(candidate.expression, shape)
      ? candidate
      : null;
  if (first.root === second.root) {
    const expression = rule(first.expression, second.expression, constant);
    const { range } = operationOf(program, first.root).type;
    const cancels =
      range !== null &&
      loses[operation.op]?.(first.expression, second.expression, expression, range, constant) ===
        true;
    const together = cancels ? null : accepted({ root: first.root, expression });
    if (together !== null) return together;
  }
  // Too high a degree in the common root, or too few bits: try the operand itself.
  const [a, b = a] = operation.operands;
  if (a === undefined || a !== b) return null;
  return accepted({ root: a, expression: rule(identityExpression, identityExpression, constant) });
}

/**
 * How much larger the terms of an expanded product may be than those that the product evaluated as
 * it stands would add up: what they have more cancels, and takes its bits of precision along.
 */
const maxCancellation = 2 ** 6;

type Loses = (
  a: Expression,
  b: Expression,
  expanded: Expression,
  range: Range,
  constant: (attribute: string) => Expression,
) => boolean;

/** Whether expanding costs precision: the error of terms is in proportion to their magnitude. */
const loses: Readonly<Record<string, Loses>> = {
  'nn.mul': (a, b, expanded, range) => {
    const [sizeA, sizeB] = [sizeOfExpression(a, range), sizeOfExpression(b, range)];
    const asItStands = sizeA.value * sizeB.terms + sizeB.value * sizeA.terms;
    return sizeOfExpression(expanded, range).terms > maxCancellation * asItStands;
  },
  'nn.polynomial': (a, _, expanded, range, constant) => {
    const inner = sizeOfExpression(a, range);
    const outer = coefficientsOf(constant);
    const argument = { lo: -inner.value, hi: inner.value };
    const slope = outer
      .slice(1)
      .map((term, n) => ({ ...term, data: term.data.map((c) => c * (n + 1)) }));
    const asItStands =
      sizeOfExpression(outer, argument).terms +
      (slope.length > 0 ? sizeOfExpression(slope, argument).terms * inner.terms : 0);
    return sizeOfExpression(expanded, range).terms > maxCancellation * asItStands;
  },
};

function coefficientsOf(constant: (attribute: string) => Expression): Expression {
  const [coefficients] = constant('coefficients');
  invariant(coefficients !== undefined, 'a polynomial has coefficients');
  return polynomialTerms(coefficients);
}

type Rule = (
  a: Expression,
  b: Expression,
  constant: (attribute: string) => Expression,
) => Expression;

/** Elementwise operators as rules on expressions; the second operand of unary ones repeats the first. */
const rules: Readonly<Record<string, Rule>> = {
  'nn.add': (a, b) => sumExpressions(a, b, 1),
  'nn.add-constant': (a, _, constant) => sumExpressions(a, constant('value'), 1),
  'nn.identity': (a) => a,
  'nn.mul': (a, b) => multiplyExpressions(a, b),
  'nn.negate': (a) => sumExpressions([], a, -1),
  'nn.polynomial': (a, _, constant) => composeExpressions(coefficientsOf(constant), a),
  'nn.scale': (a, _, constant) => multiplyExpressions(a, constant('factor')),
  'nn.sub': (a, b) => sumExpressions(a, b, -1),
};
