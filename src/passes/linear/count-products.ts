/** How much arithmetic the linear operators of a model are: the measure of every bound on work. */
import { CipherloomError } from '../../errors.ts';
import { entryCount, maxEntries } from '../../ir/linear-map.ts';
import type { Operation, Program } from '../../ir/program.ts';
import { affineOfOperation } from './affine-form.ts';

/** Products of two numbers that each operation takes on one input; 0 for those that are not linear. */
export function productsOf(program: Program): { operation: Operation; products: number }[] {
  return program.operations.map((operation) => {
    const maps = affineOfOperation(program, operation)?.maps ?? [];
    return { operation, products: maps.reduce((sum, map) => sum + entryCount(map), 0) };
  });
}

/** Refuse layers whose matrices no pass could write out. Throws RESOURCE_LIMIT naming the first. */
export function requireLayerSizes(program: Program): void {
  const large = productsOf(program).filter(({ products }) => products > maxEntries);
  const [first] = large;
  if (first === undefined) return;
  const { location, op } = first.operation;
  const millions = (count: number): string => `${Math.round(count / 1e6)} million`;
  const others =
    large.length === 1 ? '' : ` (${large.length} layers are too large, this is the first)`;
  throw new CipherloomError(
    'RESOURCE_LIMIT',
    `the layer ${location ?? op} takes ${millions(first.products)} products of a weight and a value, at most ${millions(maxEntries)} can be had${others}`,
    {
      phase: 'nn',
      node: location ?? undefined,
      details: {
        products: first.products,
        limit: maxEntries,
        nodes: large.map(({ operation }) => operation.location),
      },
      hint: 'a smaller input (its area counts), fewer channels, or strides in the first layers',
    },
  );
}
