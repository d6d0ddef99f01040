/** A `ckks.linear` of a program that is ready to run. */
import { invariant } from '../../errors.ts';
import type { Layout } from '../../layout/layout.ts';
import { opContext } from '../build.ts';
import { affineOf } from '../nn/linear.ts';
import type { LinearMethod } from '../packed/diagonals.ts';
import { operationOf } from '../program.ts';
import type { Operation, Program } from '../program.ts';
import { groupProducts } from './group-products.ts';
import type { LinearGroups } from './group-products.ts';
import linear from './linear.ts';
import { ciphertextOf } from './values.ts';

/** Its attributes, by their schema. */
export function linearAttributes(operation: Operation): {
  readonly method: LinearMethod & { readonly hoist?: boolean };
  readonly layout: Layout;
  readonly plainScales: readonly string[];
  readonly affine: Parameters<typeof affineOf>[1];
} {
  const attributes = linear.attributes.parse(operation.attributes);
  invariant(attributes.method !== null, 'lower-linear chose a method');
  invariant(attributes.plainScales !== null, 'match-scales chose the scales of the diagonals');
  return {
    method: attributes.method,
    layout: attributes.layout,
    plainScales: attributes.plainScales,
    affine: attributes,
  };
}

/** Its products, gathered into diagonals; see `groupProducts`. */
export function linearGroups(program: Program, operation: Operation): LinearGroups {
  const attributes = linear.attributes.parse(operation.attributes);
  const types = operation.operands.map((operand) => operationOf(program, operand).type);
  const context = opContext(program.constants, program.modulus, operation.location);
  return groupProducts(
    affineOf(types, attributes, context),
    types.map((type) => ciphertextOf(type).layout),
    ciphertextOf(operation.type).layout,
    attributes.method ?? { giantStep: 0, fold: null },
  );
}
