/** Which operations a reordering may pass, and what becomes of their attributes. */
import { numbersOf, numberOf, textOf } from '../../ir/attribute-values.ts';
import { polynomialTerms } from '../../ir/polynomial.ts';
import { operationOf } from '../../ir/program.ts';
import type { Attribute, Attributes, Operation, Program } from '../../ir/program.ts';
import type { Tensor } from '../../ir/tensor.ts';
import { sameShape, shapeOf } from '../../ir/types.ts';
import { stackCoefficients } from '../polynomial/coefficients.ts';
import { reorderConstant, resultShape, reshapedTo, transposedBy, unordered } from './reordering.ts';
import type { Reordering } from './reordering.ts';

/** Constants of elementwise operators: one number per element, broadcast. */
interface Constants {
  readonly of: (reference: string) => Tensor;
  readonly add: (value: Tensor, hint: string) => string;
}

type Rewrite = (operation: Operation, order: Reordering, constants: Constants) => Attributes;

const unchanged: Rewrite = ({ attributes }) => attributes;

function constantAttribute(name: string): Rewrite {
  return (operation, order, constants) => ({
    ...operation.attributes,
    [name]: reordered(textOf(operation, name), order, constants),
  });
}

function reordered(reference: string, order: Reordering, constants: Constants): string {
  const before = constants.of(reference);
  const after = reorderConstant(before, order);
  return after === before ? reference : constants.add(after, reference.slice(1));
}

/** Operators that work element by element. */
const elementwise: Readonly<Record<string, Rewrite>> = {
  'nn.activation': (operation, order, constants) => ({
    ...operation.attributes,
    parameters: Object.fromEntries(
      Object.entries(operation.attributes.parameters as Attributes).map(([name, value]) => [
        name,
        typeof value === 'string' ? reordered(value, order, constants) : value,
      ]),
    ),
  }),
  'nn.add': unchanged,
  'nn.add-constant': constantAttribute('value'),
  'nn.composite': unchanged,
  'nn.identity': unchanged,
  'nn.mul': unchanged,
  'nn.negate': unchanged,
  'nn.polynomial': (operation, order, constants) => {
    const reference = textOf(operation, 'coefficients');
    const terms = polynomialTerms(constants.of(reference));
    const moved = terms.map((term) => reorderConstant(term, order));
    const coefficients = stackCoefficients(moved, resultShape(order));
    return {
      ...operation.attributes,
      coefficients: constants.add(coefficients, reference.slice(1)),
    };
  },
  'nn.scale': constantAttribute('factor'),
  'nn.sub': unchanged,
};

/** Whether an operation works element by element on operands of its own shape. */
export function isElementwise(program: Program, { op, operands, type }: Operation): boolean {
  return (
    Object.hasOwn(elementwise, op) &&
    operands.every((operand) =>
      sameShape(shapeOf(operationOf(program, operand).type), shapeOf(type)),
    )
  );
}

/** Attributes of an elementwise operation for operands whose elements stand in another order. */
export function reorderedAttributes(
  operation: Operation,
  order: Reordering,
  constants: Constants,
): Attributes {
  const rewrite = order.steps.length === 0 ? unchanged : elementwise[operation.op];
  return (rewrite ?? unchanged)(operation, order, constants);
}

/** The reordering that an operation is, or null. */
export function reorderingOf(program: Program, operation: Operation): Reordering | null {
  const [x] = operation.operands;
  if (x === undefined) return null;
  const from = unordered(shapeOf(operationOf(program, x).type));
  if (operation.op === 'nn.reshape') return reshapedTo(from, shapeOf(operation.type));
  if (operation.op === 'nn.transpose') {
    return transposedBy(from, numbersOf(operation, 'permutation'));
  }
  return null;
}

/**
 * Attributes of an operator that works along axes, for operands before a transposition: axis k
 * of what it saw is axis permutation[k]. Null where it is none of them.
 */
export function attributesBefore(
  operation: Operation,
  permutation: readonly number[],
): Attributes | null {
  const back = (list: readonly number[]): number[] =>
    permutation.map((_, axis) => list[permutation.indexOf(axis)]!);
  const { attributes } = operation;
  const lists = (...names: string[]): Record<string, Attribute> =>
    Object.fromEntries(names.map((name) => [name, back(numbersOf(operation, name))]));
  switch (operation.op) {
    case 'nn.concat':
      return { ...attributes, axis: permutation[numberOf(operation, 'axis')]! };
    case 'nn.pad': {
      const pads = numbersOf(operation, 'pads');
      const rank = permutation.length;
      return { ...attributes, pads: [...back(pads.slice(0, rank)), ...back(pads.slice(rank))] };
    }
    case 'nn.slice':
      return { ...attributes, ...lists('starts', 'steps', 'shape') };
    default:
      return null;
  }
}
