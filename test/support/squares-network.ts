/** A network of linear maps with squares between them, and images of it. */
import { defineProgram } from '../../src/frontend/dsl/define-program.ts';
import { randomSource, randomValues } from './random.ts';

const extents = [8, 6, 5, 3] as const;

function weights(seed: number, rows: number, columns: number): number[][] {
  const random = randomSource(seed);
  return Array.from({ length: rows }, () => [...randomValues(random, columns, -1, 1)]);
}

const layers = extents.slice(1).map((columns, k) => weights(k + 1, extents[k]!, columns));
const [first = [], second = [], third = []] = layers;

/** (((x A)² B)² C), every input in [−1, 1]. */
export const squaresNetwork = defineProgram('squares', ({ input }) => ({
  y: input('x', [1, extents[0]], { range: [-1, 1] })
    .matmul(first)
    .square()
    .matmul(second)
    .square()
    .matmul(third),
}));

/** Its answers in float64, to one image. */
export function answersOf(image: ArrayLike<number>): number[] {
  const times = (x: readonly number[], matrix: readonly (readonly number[])[]): number[] =>
    (matrix[0] ?? []).map((_, j) => x.reduce((sum, value, i) => sum + value * matrix[i]![j]!, 0));
  const squared = (x: readonly number[]): number[] => x.map((value) => value * value);
  return times(squared(times(squared(times(Array.from(image), first)), second)), third);
}

export function imagesOf(count: number, seed: number): Float64Array<ArrayBuffer>[] {
  const random = randomSource(seed);
  return Array.from({ length: count }, () => randomValues(random, extents[0], -1, 1));
}
