/** Steps that a plan leaves to the client: they compare or divide, which ciphertexts cannot. */

export const postprocessOps = [
  'softmax',
  'logSoftmax',
  'hardmax',
  'argMax',
  'argMin',
  'topValues',
  'topIndices',
] as const;

/** A step that the client does on decrypted outputs. */
export interface PostprocessStep {
  readonly op: (typeof postprocessOps)[number];
  readonly axis: number;
  /** argMax and argMin only: whether the reduced axis stays with extent 1. */
  readonly keepDims?: boolean;
  /** topValues and topIndices only: how many elements of the axis stay. */
  readonly count?: number;
  /** topValues and topIndices only: whether the smallest ones stay, not the largest. */
  readonly smallest?: boolean;
}

/** Whether the step leaves positions in the place of values; nothing can follow it. */
export function leavesIndices({ op }: PostprocessStep): boolean {
  return op === 'argMax' || op === 'argMin' || op === 'topIndices';
}

/** The shape that a step leaves. */
export function shapeAfter(step: PostprocessStep, shape: readonly number[]): readonly number[] {
  const axis = step.axis < 0 ? step.axis + shape.length : step.axis;
  if (step.count !== undefined) return shape.with(axis, step.count);
  if (step.op !== 'argMax' && step.op !== 'argMin') return shape;
  return step.keepDims === true ? shape.with(axis, 1) : shape.filter((_, k) => k !== axis);
}

/** What is wrong with the steps of an output of a shape, or null. */
export function postprocessFault(
  steps: readonly PostprocessStep[],
  shape: readonly number[],
): string | null {
  let current = shape;
  for (const [n, step] of steps.entries()) {
    const { op, axis, count, keepDims, smallest } = step;
    const own = `step ${n + 1} (${op})`;
    if (n > 0 && leavesIndices(steps[n - 1]!)) return `${own} follows one that leaves indices`;
    if (axis < -current.length || axis >= current.length) {
      return `${own} has the axis ${axis} of [${current.join(',')}]`;
    }
    const top = op === 'topValues' || op === 'topIndices';
    if (top !== (count !== undefined)) return `${own} ${top ? 'lacks a' : 'has a'} count`;
    if (!top && smallest !== undefined) return `${own} states smallest`;
    if (keepDims !== undefined && op !== 'argMax' && op !== 'argMin') {
      return `${own} states keepDims`;
    }
    if (count !== undefined && (count < 1 || count > current.at(axis)!)) {
      return `${own} takes ${count} of ${current.at(axis)!} elements`;
    }
    current = shapeAfter(step, current);
  }
  return null;
}

/** Positions of the largest (or smallest) elements of a line, in order; the first of equals first. */
export function topOf(line: Float64Array, count: number, smallest: boolean): Float64Array {
  const order = [...line.keys()];
  order.sort((a, b) => (smallest ? line[a]! - line[b]! : line[b]! - line[a]!) || a - b);
  return Float64Array.from(order.slice(0, count));
}
