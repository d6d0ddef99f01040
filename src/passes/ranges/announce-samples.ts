/** What running a program on samples takes of a budget of work. */
import type { Operation, Program } from '../../ir/program.ts';
import { shapeOf } from '../../ir/types.ts';
import { elementCount } from '../../layout/layout.ts';
import { productsOf } from '../linear/count-products.ts';
import { isElementFunction } from '../polynomial/element-functions.ts';
import type { WorkBudget } from '../work-budget.ts';

/** Steps for an element of a function or a polynomial, and of other values. */
const perFunctionElement = 25;
const perElement = 5;
/** Steps for an element of an input: a synthetic one is a sum of exponential functions. */
const perInputElement = 150;

/** Steps for an element and a step of functions one behind the other. */
const perCompositeStep = 100;

function stepsPerElement(operation: Operation): number {
  const { steps } = operation.attributes;
  if (operation.op === 'nn.composite' && Array.isArray(steps)) {
    return perCompositeStep * steps.length;
  }
  if (operation.op === 'nn.input') return perInputElement;
  if (isElementFunction(operation) || operation.op === 'nn.polynomial') return perFunctionElement;
  return perElement;
}

/** Spend what so many images through a program cost. Throws WorkExceeded. */
export function announceSamples(
  program: Program,
  images: number,
  work: WorkBudget | undefined,
): void {
  if (work === undefined) return;
  const steps = productsOf(program).map(({ operation, products }) => {
    const each = stepsPerElement(operation);
    return products + each * elementCount(shapeOf(operation.type));
  });
  work.spend(images * steps.reduce((sum, own) => sum + own, 0));
}
