/**
 * Composition of matrices segment by segment, where the first one only selects and scales: pools
 * whose windows do not overlap, cuts, reorderings.
 *
 * A convolution behind such a pool stays as compact as the two were; composed entry by entry, the
 * runs that padding cuts short become hundreds of thousands of segments.
 */
import { compositionCost, entryCount } from '../../ir/linear-map.ts';
import type { LinearMap, Segment, SegmentLoop } from '../../ir/linear-map.ts';
import { forEachRun } from '../../ir/map-runs.ts';
import { elementCount } from '../../layout/layout.ts';

/** Loops that a segment of a plan may have. */
const maxLoops = 16;
/** Pairs of segments that are tried; compact maps have far fewer. */
const maxPairs = 2 ** 14;

/**
 * second ∘ first, weights rounded to float32; null where it would not be exact.
 *
 * Exact means: all weights of `first` are equal, no input of it counts twice, and each segment of
 * `second` walks the rows of a segment of `first` in even steps.
 */
export function composeSegments(second: LinearMap, first: LinearMap): LinearMap | null {
  if (second.segments.length * first.segments.length > maxPairs) return null;
  const factor = commonWeight(first);
  if (factor === null || !readsInputsOnce(first)) return null;
  const parts = first.segments.map(rowsOf);
  const segments: Segment[] = [];
  for (const segment of second.segments) {
    for (const part of parts) {
      const composed = part === null ? null : throughRows(segment, part);
      if (composed !== null) segments.push(composed);
    }
  }
  // Every entry (o, m) must have met all entries of row m, else a pair was only partly covered;
  // none of them fall together.
  const weights = second.weights.map((weight) => Math.fround(weight * factor));
  const map = { inShape: first.inShape, outShape: second.outShape, weights, segments };
  return entryCount(map) === compositionCost(second, first) ? map : null;
}

function commonWeight({ weights }: LinearMap): number | null {
  const [value = 0] = weights;
  return value !== 0 && weights.every((weight) => weight === value) ? value : null;
}

function readsInputsOnce(map: LinearMap): boolean {
  const size = elementCount(map.inShape);
  if (entryCount(map) > size) return false;
  const seen = new Uint8Array(size);
  let once = true;
  forEachRun(map.segments, 'longest', (_, input, __, run) => {
    for (let n = 0; once && n < run.count; n++) {
      const i = input + n * run.input;
      once = seen[i] === 0;
      seen[i] = 1;
    }
  });
  return once;
}

/** A segment as digits that count its rows, outermost (of the largest step) first. */
interface Rows {
  readonly segment: Segment;
  readonly digits: readonly SegmentLoop[];
  /** Loops that stay in the row. */
  readonly within: readonly SegmentLoop[];
}

/** Null where a row number does not say which digits lead to it. */
function rowsOf(segment: Segment): Rows | null {
  const digits = segment.loops.filter(({ out }) => out !== 0).sort((a, b) => b.out - a.out);
  let reach = 0;
  for (const { out, count } of digits.toReversed()) {
    if (out <= reach) return null;
    reach += (count - 1) * out;
  }
  return { segment, digits, within: segment.loops.filter(({ out }) => out === 0) };
}

/** `segment` with its inputs, rows of the other map, replaced by what these rows read. */
function throughRows(segment: Segment, rows: Rows): Segment | null {
  const start = digitsOf(segment.input - rows.segment.out, rows.digits);
  if (start === null) return null;
  const highest = [...start];
  const loops: SegmentLoop[] = [];
  for (const loop of segment.loops.flatMap((each) => splitLoop(each, rows.digits))) {
    const step = digitsOf(loop.input, rows.digits);
    if (step === null) return null;
    step.forEach((digit, k) => (highest[k]! += digit * (loop.count - 1)));
    loops.push({ ...loop, input: inputOf(step, rows.digits) });
  }
  // No digit may run over: then the digits of a sum are the sums of digits.
  if (rows.digits.some(({ count }, k) => highest[k]! >= count)) return null;
  loops.push(...rows.within.map((loop) => ({ ...loop, out: 0, weight: 0 })));
  return loops.length > maxLoops
    ? null
    : {
        out: segment.out,
        input: rows.segment.input + inputOf(start, rows.digits),
        weight: segment.weight,
        loops: loops.filter(({ count }) => count > 1),
      };
}

/** A loop over several digits whose rows follow each other, as one loop a digit. */
function splitLoop(loop: SegmentLoop, digits: readonly SegmentLoop[]): SegmentLoop[] {
  const at = digits.findIndex(({ out }) => out === loop.input);
  const [outer, digit] = [digits[at - 1], digits[at]];
  if (outer === undefined || digit === undefined) return [loop];
  const { count } = digit;
  const follows = outer.out === count * digit.out;
  if (!follows || loop.count <= count || loop.count % count !== 0) return [loop];
  const { out, input, weight } = loop;
  const rest = { count: loop.count / count, out: out * count, input: input * count };
  return [...splitLoop({ ...rest, weight: weight * count }, digits), { count, out, input, weight }];
}

/** The digits of a number of rows; null where it is none. */
function digitsOf(rows: number, digits: readonly SegmentLoop[]): number[] | null {
  let rest = rows;
  if (rest < 0) return null;
  const found = digits.map(({ out, count }) => {
    const digit = Math.min(count - 1, Math.floor(rest / out));
    rest -= digit * out;
    return digit;
  });
  return rest === 0 ? found : null;
}

function inputOf(values: readonly number[], digits: readonly SegmentLoop[]): number {
  return values.reduce((sum, value, k) => sum + value * digits[k]!.input, 0);
}
