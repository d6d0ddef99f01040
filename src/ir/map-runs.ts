/**
 * The entries of a sparse matrix run by run: one loop of each segment is never written out.
 *
 * A convolution of a large image has billions of entries, and a few million rows of them that are
 * alike: what is asked of a matrix is asked of its runs.
 */
import type { Segment, SegmentLoop } from './linear-map.ts';

/**
 * Which loop of a segment becomes the run: the longest one, or the longest one that moves output
 * and input both (its entries may share a rotation), if there is one.
 */
export type RunChoice = 'longest' | 'moving';

/** Called with the first entry of a run, and its loop: the number of entries and their steps. */
export type VisitRun = (out: number, input: number, weight: number, run: SegmentLoop) => void;

const single: SegmentLoop = { count: 1, out: 0, input: 0, weight: 0 };

/**
 * Visit every entry of segments once, in runs.
 *
 * The entries of one output come in the order of the segments and their loops, whatever the choice:
 * sums over them do not depend on it. Cost: one call a run.
 */
export function forEachRun(segments: readonly Segment[], choice: RunChoice, visit: VisitRun): void {
  for (const { out, input, weight, loops } of segments) {
    const inner = runLoop(loops, choice);
    const run = loops[inner];
    if (run === undefined) visit(out, input, weight, single);
    else if (loops.length === 1) visit(out, input, weight, run);
    else walk(loops.toSpliced(inner, 1), 0, out, input, weight, run, visit);
  }
}

function walk(
  outer: readonly SegmentLoop[],
  depth: number,
  out: number,
  input: number,
  weight: number,
  run: SegmentLoop,
  visit: VisitRun,
): void {
  const loop = outer[depth];
  if (loop === undefined) return;
  const innermost = depth === outer.length - 1;
  for (let n = 0; n < loop.count; n++) {
    const o = out + n * loop.out;
    const i = input + n * loop.input;
    const w = weight + n * loop.weight;
    if (innermost) visit(o, i, w, run);
    else walk(outer, depth + 1, o, i, w, run, visit);
  }
}

/** Number of runs of segments: calls of `forEachRun`. */
export function runCount(segments: readonly Segment[], choice: RunChoice): number {
  let runs = 0;
  for (const { loops } of segments) {
    const inner = runLoop(loops, choice);
    runs += loops.reduce((product, { count }, k) => (k === inner ? product : product * count), 1);
  }
  return runs;
}

/**
 * The loop that becomes the run: the longest (of equal ones the innermost) of those that may be
 * walked last without a change to the order of any sum. −1 where there are no loops.
 *
 * Where an output says which steps of the loops over outputs lead to it, only the order of the other
 * loops counts: then a loop over outputs may come last, and so may the last of the others.
 */
function runLoop(loops: readonly SegmentLoop[], choice: RunChoice): number {
  const last = loops.length - 1;
  if (last <= 0 || !outputsAreDistinct(loops)) return last;
  const lastSum = loops.findLastIndex(({ out }) => out === 0);
  let best = -1;
  const consider = (allowed: (loop: SegmentLoop) => boolean): void => {
    loops.forEach((loop, k) => {
      if ((loop.out === 0 && k !== lastSum) || !allowed(loop)) return;
      if (loop.count >= (loops[best]?.count ?? 0)) best = k;
    });
  };
  if (choice === 'moving') consider(({ out, input }) => out !== 0 && input !== 0);
  if (best < 0) consider(() => true);
  return best;
}

/** Whether no two combinations of steps of the loops over outputs lead to one output. */
function outputsAreDistinct(loops: readonly SegmentLoop[]): boolean {
  let reach = 0;
  const steps = loops.filter(({ out }) => out !== 0);
  steps.sort((a, b) => Math.abs(a.out) - Math.abs(b.out));
  for (const { out, count } of steps) {
    if (Math.abs(out) <= reach) return false;
    reach += (count - 1) * Math.abs(out);
  }
  return true;
}
