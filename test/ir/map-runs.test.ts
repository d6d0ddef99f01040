import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { applyMap, boundMap, rowLengths } from '../../src/ir/linear-map.ts';
import { forEachRun, runCount } from '../../src/ir/map-runs.ts';
import type { RunChoice } from '../../src/ir/map-runs.ts';
import { entriesOf } from '../support/map-entries.ts';
import type { Entry } from '../support/map-entries.ts';
import { randomSegmentMap } from '../support/random-maps.ts';
import { randomSource, randomValues } from '../support/random.ts';

function expandedRuns(map: Parameters<typeof entriesOf>[0], choice: RunChoice): Entry[] {
  const entries: Entry[] = [];
  forEachRun(map.segments, choice, (out, input, weight, run) => {
    for (let n = 0; n < run.count; n++) {
      entries.push([out + n * run.out, input + n * run.input, weight + n * run.weight]);
    }
  });
  return entries;
}

function byOutput(entries: readonly Entry[]): Map<number, Entry[]> {
  return Map.groupBy(entries, ([out]) => out);
}

const maps = fc
  .record({
    width: fc.integer({ min: 1, max: 40 }),
    rows: fc.integer({ min: 1, max: 40 }),
    seed: fc.nat(),
  })
  .map(({ width, rows, seed }) => randomSegmentMap([width], [rows], seed));

describe('runs', () => {
  it.each(['longest', 'moving'] as const)(
    '%s: expand to the entries, those of each output in their order',
    (choice) => {
      let calls = 0;
      fc.assert(
        fc.property(maps, (map) => {
          const entries = entriesOf(map);
          expect(byOutput(expandedRuns(map, choice))).toEqual(byOutput(entries));
          let runs = 0;
          forEachRun(map.segments, choice, () => runs++);
          expect(runs).toBe(runCount(map.segments, choice));
          calls += entries.length - runs;
        }),
        { numRuns: 500, seed: 1 },
      );
      expect(calls).toBeGreaterThan(1000);
    },
  );

  it('sum exactly what entries sum, in their order', () => {
    fc.assert(
      fc.property(maps, fc.nat(), (map, seed) => {
        const x = randomValues(randomSource(seed), map.inShape[0]!, -2, 3);
        const size = map.outShape[0]!;
        const [y, lo, hi] = [1, 2, 3].map(() => new Float64Array(size));
        const lengths = new Int32Array(size);
        for (const [o, i, at] of entriesOf(map)) {
          const w = map.weights[at]!;
          y![o]! += w * x[i]!;
          lo![o]! += Math.min(w * -2, w * 3);
          hi![o]! += Math.max(w * -2, w * 3);
          lengths[o]! += 1;
        }
        expect(applyMap(map, x)).toEqual(y);
        const bounds = boundMap(map, -2, 3);
        expect([...bounds.lo].map((value) => value + 0)).toEqual([...lo!].map((v) => v + 0));
        expect([...bounds.hi].map((value) => value + 0)).toEqual([...hi!].map((v) => v + 0));
        expect(rowLengths(map)).toEqual(lengths);
      }),
      { numRuns: 300, seed: 2 },
    );
  });
});

const loop = (count: number, out: number, input: number, weight: number) => ({
  count,
  out,
  input,
  weight,
});

test.each<[string, RunChoice, ReturnType<typeof loop>[], number]>([
  // Maps, channels, rows, columns of a convolution.
  [
    'the longest row',
    'longest',
    [loop(8, 400, 0, 36), loop(4, 0, 400, 9), loop(20, 20, 20, 0), loop(18, 1, 1, 0)],
    8 * 4 * 18,
  ],
  [
    'maps where they are more',
    'longest',
    [loop(64, 16, 0, 36), loop(4, 0, 16, 9), loop(4, 4, 4, 0), loop(3, 1, 1, 0)],
    4 * 4 * 3,
  ],
  [
    'which do not move the input',
    'moving',
    [loop(64, 16, 0, 36), loop(4, 0, 16, 9), loop(4, 4, 4, 0), loop(3, 1, 1, 0)],
    64 * 4 * 3,
  ],
  [
    'the last of two sums, the longer one is not',
    'longest',
    [loop(3, 4, 0, 0), loop(50, 0, 4, 0), loop(4, 0, 1, 0)],
    150,
  ],
  [
    'the innermost where outputs fall together',
    'longest',
    [loop(50, 1, 3, 0), loop(4, 1, 1, 0)],
    50,
  ],
])('%s (%s)', (_, choice, loops, runs) => {
  expect(runCount([{ out: 0, input: 0, weight: 0, loops }], choice)).toBe(runs);
});
