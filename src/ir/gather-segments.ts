/** Entries of a sparse matrix as nested runs. */
import type { Segment, SegmentLoop } from './linear-map.ts';

/** Loops that a segment of a program or plan may have. */
export const maxLoops = 16;

/**
 * Gather entries into segments: greedy runs of constant steps, then runs of equal runs, until
 * nothing shortens.
 */
export function gatherSegments(
  out: ArrayLike<number>,
  input: ArrayLike<number>,
  weight: ArrayLike<number>,
): Segment[] {
  let level: Segment[] = [];
  for (let k = 0; k < out.length;) {
    const count = runAt(out, input, weight, k);
    const [o, i, w] = [out[k]!, input[k]!, weight[k]!];
    const step = { out: out[k + 1]! - o, input: input[k + 1]! - i, weight: weight[k + 1]! - w };
    level.push({ out: o, input: i, weight: w, loops: count > 1 ? [{ count, ...step }] : [] });
    k += count;
  }
  for (let round = 0; round < maxLoops - 1; round++) {
    const gathered = gatherRuns(level);
    if (gathered.length === level.length) break;
    level = gathered;
  }
  return level;
}

/** Length of the run of constant steps that begins at an entry. */
function runAt(
  out: ArrayLike<number>,
  input: ArrayLike<number>,
  weight: ArrayLike<number>,
  k: number,
): number {
  const [o, i, w] = [out[k]!, input[k]!, weight[k]!];
  const dOut = out[k + 1]! - o;
  const dInput = input[k + 1]! - i;
  const dWeight = weight[k + 1]! - w;
  let count = 1;
  while (
    k + count < out.length &&
    out[k + count] === o + count * dOut &&
    input[k + count] === i + count * dInput &&
    weight[k + count] === w + count * dWeight
  ) {
    count++;
  }
  // A run of two is likelier a coincidence that breaks the next run.
  return count <= 2 ? 1 : count;
}

/** Runs that no gathering of runs has shortened yet. */
function firstRuns(...[out, input, weight]: EntryColumns): number {
  let runs = 0;
  for (let k = 0; k < out.length; k += runAt(out, input, weight, k)) runs++;
  return runs;
}

type EntryColumns = readonly [
  out: Int32Array<ArrayBuffer>,
  input: Int32Array<ArrayBuffer>,
  weight: Int32Array<ArrayBuffer>,
];

/** Rows whose entries form runs have at most so many runs an entry. */
const compactShare = 1 / 4;

/**
 * Gather entries that come row by row and share weights.
 *
 * Row by row, the differing weights of a row end every run: composed convolutions and pools become
 * a segment an entry. Where that is so, and entries of one weight form longer runs (the entries at
 * one place of a moving window do), they are put together first. Cost: about 100 ns an entry.
 */
export function gatherShared(...rows: EntryColumns): Segment[] {
  const runs = firstRuns(...rows);
  if (runs <= compactShare * rows[0].length) return gatherSegments(...rows);
  const places = byPlace(...rows);
  return gatherSegments(...(places !== null && firstRuns(...places) < runs ? places : rows));
}

/**
 * Entries ordered by their weight and by how many of the same weight come before them in their row:
 * those at one place of a window. Null where places are too many for runs.
 */
function byPlace(...[out, input, weight]: EntryColumns): EntryColumns | null {
  const count = out.length;
  const weights = weight.reduce((most, w) => Math.max(most, w), -1) + 1;
  const [met, row] = [new Int32Array(weights), new Int32Array(weights).fill(-1)];
  const places = new Map<number, number>();
  const place = new Int32Array(count);
  const lengths: number[] = [];
  for (let k = 0; k < count; k++) {
    const w = weight[k]!;
    if (row[w] !== out[k]) {
      row[w] = out[k]!;
      met[w] = 0;
    }
    const key = met[w]! * weights + w;
    met[w]!++;
    let at = places.get(key);
    if (at === undefined) {
      at = places.size;
      if (at > compactShare * count) return null;
      places.set(key, at);
      lengths.push(0);
    }
    place[k] = at;
    lengths[at]!++;
  }
  let start = 0;
  const next = lengths.map((length) => (start += length) - length);
  const ordered = [out, input, weight].map((column) => new Int32Array(column.length));
  const [o, i, w] = ordered as [...EntryColumns];
  for (let k = 0; k < count; k++) {
    const at = next[place[k]!]!++;
    o[at] = out[k]!;
    i[at] = input[k]!;
    w[at] = weight[k]!;
  }
  return [o, i, w];
}

function sameLoops(a: readonly SegmentLoop[], b: readonly SegmentLoop[]): boolean {
  return (
    a.length === b.length &&
    a.every((loop, k) => {
      const other = b[k];
      return (
        loop.count === other?.count &&
        loop.out === other.out &&
        loop.input === other.input &&
        loop.weight === other.weight
      );
    })
  );
}

function gatherRuns(segments: readonly Segment[]): Segment[] {
  const gathered: Segment[] = [];
  for (let k = 0; k < segments.length;) {
    const first = segments[k];
    if (first === undefined) break;
    const second = segments[k + 1];
    let count = 1;
    let step = { out: 0, input: 0, weight: 0 };
    if (second !== undefined && first.loops.length < maxLoops) {
      step = {
        out: second.out - first.out,
        input: second.input - first.input,
        weight: second.weight - first.weight,
      };
      for (; ; count++) {
        const next = segments[k + count];
        if (
          next?.out !== first.out + count * step.out ||
          next.input !== first.input + count * step.input ||
          next.weight !== first.weight + count * step.weight ||
          !sameLoops(first.loops, next.loops)
        ) {
          break;
        }
      }
    }
    gathered.push(count > 1 ? { ...first, loops: [{ count, ...step }, ...first.loops] } : first);
    k += count;
  }
  return gathered;
}
