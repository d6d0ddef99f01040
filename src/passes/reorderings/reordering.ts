/** Pure reorderings of a tensor: transpositions and reshapes in a row, in their shortest form. */
import { invariant } from '../../errors.ts';
import { copyStrided } from '../../ir/nn/strided.ts';
import { broadcastTo } from '../../ir/tensor.ts';
import type { Tensor } from '../../ir/tensor.ts';
import { sameShape } from '../../ir/types.ts';
import { elementCount, rowMajorStrides } from '../../layout/layout.ts';
import { shrinkBroadcast } from '../polynomial/coefficients.ts';

export type ReorderingStep =
  | { readonly kind: 'reshape'; readonly to: readonly number[] }
  | {
      readonly kind: 'transpose';
      readonly permutation: readonly number[];
      readonly to: readonly number[];
    };

export interface Reordering {
  readonly from: readonly number[];
  readonly steps: readonly ReorderingStep[];
}

/** The reordering that leaves a tensor as it is. */
export function unordered(shape: readonly number[]): Reordering {
  return { from: shape, steps: [] };
}

export function resultShape({ from, steps }: Reordering): readonly number[] {
  return steps.at(-1)?.to ?? from;
}

/** With a transposition behind it; result axis k is axis permutation[k]. */
export function transposedBy(reordering: Reordering, permutation: readonly number[]): Reordering {
  const shape = resultShape(reordering);
  const to = permutation.map((axis) => shape[axis]!);
  const last = reordering.steps.at(-1);
  if (last?.kind === 'transpose') {
    return transposedBy(
      withoutLast(reordering),
      permutation.map((axis) => last.permutation[axis]!),
    );
  }
  // Axes of one element may stand anywhere.
  const moved = permutation.filter((axis) => shape[axis] !== 1);
  if (moved.every((axis, k) => k === 0 || axis > moved[k - 1]!)) return reshapedTo(reordering, to);
  const step = { kind: 'transpose', permutation, to } as const;
  return { from: reordering.from, steps: [...reordering.steps, step] };
}

/** With a reshape behind it. */
export function reshapedTo(reordering: Reordering, to: readonly number[]): Reordering {
  if (sameShape(resultShape(reordering), to)) return reordering;
  if (reordering.steps.at(-1)?.kind === 'reshape') return reshapedTo(withoutLast(reordering), to);
  return { from: reordering.from, steps: [...reordering.steps, { kind: 'reshape', to }] };
}

function withoutLast({ from, steps }: Reordering): Reordering {
  return { from, steps: steps.slice(0, -1) };
}

/** `second` behind `first`. */
export function inRow(first: Reordering, second: Reordering): Reordering {
  return second.steps.reduce(
    (all, step) =>
      step.kind === 'reshape' ? reshapedTo(all, step.to) : transposedBy(all, step.permutation),
    first,
  );
}

/** What undoes a reordering. */
export function inverse(reordering: Reordering): Reordering {
  const shapes = [reordering.from, ...reordering.steps.map(({ to }) => to)];
  return reordering.steps.reduceRight(
    (all, step, k) => {
      if (step.kind === 'reshape') return reshapedTo(all, shapes[k]!);
      return transposedBy(
        all,
        step.permutation.map((_, axis) => step.permutation.indexOf(axis)),
      );
    },
    unordered(resultShape(reordering)),
  );
}

export function sameReordering(a: Reordering, b: Reordering): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** The order of axes where a reordering is one transposition, or null. */
export function permutationOf({ steps }: Reordering): readonly number[] | null {
  const [step, ...others] = steps;
  return step?.kind === 'transpose' && others.length === 0 ? step.permutation : null;
}

/** A constant that broadcasts to `from`, so that it broadcasts to the result as the value does. */
export function reorderConstant(constant: Tensor, reordering: Reordering): Tensor {
  if (constant.data.length === 1) {
    return constant.shape.length === 0 ? constant : { shape: [], data: constant.data };
  }
  let value = withRank(constant, reordering.from.length);
  let shape = reordering.from;
  for (const step of reordering.steps) {
    value =
      step.kind === 'transpose'
        ? permuted(value, step.permutation)
        : { shape: step.to, data: broadcastTo(value, shape).data };
    shape = step.to;
  }
  return shrinkBroadcast(value);
}

function withRank({ shape, data }: Tensor, rank: number): Tensor {
  invariant(shape.length <= rank, 'a constant broadcasts to the value it stands beside');
  return { shape: [...new Array<number>(rank - shape.length).fill(1), ...shape], data };
}

function permuted({ shape, data }: Tensor, permutation: readonly number[]): Tensor {
  const to = permutation.map((axis) => shape[axis]!);
  const strides = rowMajorStrides(shape);
  const result = new Float64Array(elementCount(to));
  const from = permutation.map((axis) => strides[axis]!);
  copyStrided(to, data, 0, from, result, 0, rowMajorStrides(to));
  return { shape: to, data: result };
}
