/** Operations of a program as affine maps, and sums of them. */
import { opContext } from '../../ir/build.ts';
import type { AffineMap } from '../../ir/define-op.ts';
import { applyMap, compositionCost, entryCount } from '../../ir/linear-map.ts';
import type { LinearMap } from '../../ir/linear-map.ts';
import { lookupOp } from '../../ir/ops.ts';
import { operationOf } from '../../ir/program.ts';
import type { Operation, Program, ValueId } from '../../ir/program.ts';
import { degreeOf, polynomialTerms } from '../../ir/polynomial.ts';
import { broadcastTo } from '../../ir/tensor.ts';
import { shapeOf } from '../../ir/types.ts';
import { elementCount } from '../../layout/layout.ts';
import { constantAttribute } from '../../ir/attribute-values.ts';
import type { WorkBudget } from '../work-budget.ts';
import { addMaps, composeTwo } from './compose-maps.ts';

/** Products that one composition may compute: about a second. */
const maxCompositionCost = 2 ** 26;
/** Entries that a composition may always have; more only up to `maxGrowth` times those before. */
const freeEntries = 2 ** 22;
const maxGrowth = 4;

/** One operand of a sum of matrices times operands. */
export interface AffineTerm {
  readonly operand: ValueId;
  readonly map: LinearMap;
}

/** Σ map · operand + bias over values of a program under construction. */
export interface AffineForm {
  readonly terms: readonly AffineTerm[];
  readonly bias: Float64Array<ArrayBuffer> | null;
}

/** An operation as an affine map of its operands, or null where it is none. */
export function affineOfOperation(program: Program, operation: Operation): AffineMap | null {
  if (operation.op === 'nn.polynomial') return affineOfPolynomial(program, operation);
  const definition = lookupOp(operation.op);
  if (definition.affine === undefined) return null;
  const types = operation.operands.map((operand) => operationOf(program, operand).type);
  const context = opContext(program.constants, program.modulus, operation.location);
  return definition.affine(types, operation.attributes, context);
}

/** Whether `affineOfOperation` gives a map, without computing it. */
export function isAffine(program: Program, operation: Operation): boolean {
  if (operation.op === 'nn.polynomial')
    return degreeOf(constantAttribute(program, operation, 'coefficients')) <= 1;
  return lookupOp(operation.op).affine !== undefined;
}

/** A polynomial of degree ≤ 1 is a diagonal matrix and a bias. */
function affineOfPolynomial(program: Program, operation: Operation): AffineMap | null {
  const coefficients = constantAttribute(program, operation, 'coefficients');
  if (degreeOf(coefficients) > 1) return null;
  const shape = shapeOf(operation.type);
  const [constant, factor] = polynomialTerms(coefficients);
  const count = elementCount(shape);
  const weights = factor === undefined ? new Float64Array(count) : broadcastTo(factor, shape).data;
  const loops = [{ count, out: 1, input: 1, weight: 1 }];
  return {
    maps: [
      {
        inShape: shape,
        outShape: shape,
        weights,
        segments: [{ out: 0, input: 0, weight: 0, loops }],
      },
    ],
    bias: constant === undefined ? null : broadcastTo(constant, shape).data,
  };
}

/** Whether replacing operand matrix `second` by its composition with `first` is worth its size. */
export function mayCompose(second: LinearMap, first: AffineForm): boolean {
  let cost = 0;
  let bound = 0;
  let entries = entryCount(second);
  for (const { map } of first.terms) {
    // Before anything is expanded: each entry of `second` meets at least one row of `map`.
    if (entryCount(second) > maxCompositionCost || entryCount(map) > maxCompositionCost)
      return false;
    const products = compositionCost(second, map);
    cost += products;
    bound += Math.min(products, elementCount(second.outShape) * elementCount(map.inShape));
    entries += entryCount(map);
  }
  return cost <= maxCompositionCost && bound <= Math.max(freeEntries, maxGrowth * entries);
}

/**
 * second applied to the value of `first`, as a form; the bias of `first` goes through it.
 *
 * Throws WorkExceeded.
 */
export function throughMap(second: LinearMap, first: AffineForm, work?: WorkBudget): AffineForm {
  return {
    terms: first.terms.map(({ operand, map }) => ({
      operand,
      map: composeTwo(second, map, work),
    })),
    bias: first.bias === null ? null : applyMap(second, first.bias),
  };
}

/** The sum of forms; matrices of one operand are added. Throws WorkExceeded. */
export function sumForms(forms: readonly AffineForm[], work?: WorkBudget): AffineForm {
  const terms: AffineTerm[] = [];
  for (const form of forms) {
    for (const term of form.terms) {
      const at = terms.findIndex(({ operand }) => operand === term.operand);
      const known = terms[at];
      if (known === undefined) terms.push(term);
      else terms[at] = { operand: term.operand, map: addMaps(known.map, term.map, work) };
    }
  }
  const biases = forms.flatMap(({ bias }) => (bias === null ? [] : [bias]));
  const bias =
    biases.length === 0 ? null : biases.reduce((a, b) => a.map((value, o) => value + b[o]!));
  // An operand whose entries cancelled counts for nothing, unless it is the only one left.
  const kept = terms.filter(({ map }) => entryCount(map) > 0);
  return { terms: kept.length > 0 ? kept : terms.slice(0, 1), bias };
}
