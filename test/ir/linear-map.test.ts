import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { gatherSegments, gatherShared } from '../../src/ir/gather-segments.ts';
import {
  applyMap,
  boundMap,
  composeMaps,
  compositionCost,
  decodeSegments,
  encodeSegments,
  entryCount,
  identityMap,
  isIdentityMap,
  mapFromEntries,
} from '../../src/ir/linear-map.ts';
import type { LinearMap, Segment } from '../../src/ir/linear-map.ts';
import { errorOf } from '../support/error-of.ts';
import { entriesOf } from '../support/map-entries.ts';
import type { Entry } from '../support/map-entries.ts';
import { randomSource, randomValues } from '../support/random.ts';

const entryLists = fc.array(fc.tuple(fc.nat(9), fc.nat(9), fc.nat(9)), { maxLength: 60 });

/** Entries in the runs and grids that real operators have, so that gathering has work to do. */
const regularLists = fc
  .array(
    fc.record({
      start: fc.tuple(fc.nat(5), fc.nat(5), fc.nat(5)),
      steps: fc.array(
        fc.tuple(fc.integer({ min: 1, max: 4 }), fc.tuple(fc.nat(2), fc.nat(2), fc.nat(2))),
        {
          maxLength: 3,
        },
      ),
    }),
    { maxLength: 5 },
  )
  .map((grids) =>
    grids.flatMap(({ start, steps }) =>
      steps.reduce<Entry[]>(
        (list, [count, [o, i, w]]) =>
          list.flatMap(([out, input, weight]) =>
            Array.from({ length: count }, (_, n): Entry => [
              out + n * o,
              input + n * i,
              weight + n * w,
            ]),
          ),
        [start],
      ),
    ),
  );

function columns(list: readonly Entry[]): [number[], number[], number[]] {
  return [list.map(([o]) => o), list.map(([, i]) => i), list.map(([, , w]) => w)];
}

function columnsOf(list: readonly Entry[]): Parameters<typeof gatherShared> {
  const [out, input, weight] = columns(list);
  return [Int32Array.from(out), Int32Array.from(input), Int32Array.from(weight)];
}

/** The dense matrix of a map, by its entries. */
function dense(map: LinearMap, rows: number, width: number): number[][] {
  const matrix = Array.from({ length: rows }, () => new Array<number>(width).fill(0));
  for (const [o, i, w] of entriesOf(map)) matrix[o]![i]! += map.weights[w]!;
  return matrix;
}

function randomMap(rows: number, width: number, seed: number): LinearMap {
  const random = randomSource(seed);
  const list: Entry[] = [];
  for (let o = 0; o < rows; o++) {
    for (let i = 0; i < width; i++) if (random() < 0.5) list.push([o, i, 0]);
  }
  const [out, input] = columns(list);
  return mapFromEntries([width], [rows], out, input, randomValues(random, list.length));
}

describe('segments', () => {
  it.each([
    ['random entries', entryLists],
    ['regular entries', regularLists],
  ])('%s: gathering, encoding and expanding are inverse', (_, lists) => {
    fc.assert(
      fc.property(lists, (list) => {
        const segments = gatherSegments(...columns(list));
        expect(entriesOf({ segments })).toEqual(list);
        const read = decodeSegments(encodeSegments(segments), 20, 20, 20);
        expect(read).toEqual(segments);
        expect(segments.length).toBeLessThanOrEqual(list.length);
      }),
      { numRuns: 300, seed: 1 },
    );
  });

  it.each([
    ['random entries', entryLists],
    ['regular entries', regularLists],
  ])('%s: gathering by place keeps every entry, and no more segments', (_, lists) => {
    const sorted = (list: Entry[]): string[] => list.map((entry) => entry.join()).sort();
    fc.assert(
      fc.property(lists, (list) => {
        const rows = list.toSorted(([a], [b]) => a - b);
        const segments = gatherShared(...columnsOf(rows));
        expect(sorted(entriesOf({ segments }))).toEqual(sorted(rows));
        expect(segments.length).toBeLessThanOrEqual(rows.length);
      }),
      { numRuns: 300, seed: 1 },
    );
  });

  it('gathers the places of a window whose weights take no even steps', () => {
    // A window of three over 10 rows of 12, padded.
    const list: Entry[] = [];
    for (let out = 0; out < 120; out++) {
      const x = out % 12;
      for (const [k, weight] of [0, 2, 1].entries()) {
        if (x + k >= 1 && x + k < 13) list.push([out, out + k, weight]);
      }
    }
    expect(gatherSegments(...columns(list)).length).toBeGreaterThan(20);
    const segments = gatherShared(...columnsOf(list));
    expect(segments.length).toBeLessThanOrEqual(3);
    expect(new Set(entriesOf({ segments }).map(String))).toEqual(new Set(list.map(String)));
  });

  it('gathers a convolution kernel position into one segment', () => {
    // 4 maps of 5 × 6 positions, stride 2: one weight a map.
    const list: Entry[] = [];
    for (let map = 0; map < 4; map++) {
      for (let y = 0; y < 5; y++) {
        for (let x = 0; x < 6; x++) list.push([map * 30 + y * 6 + x, y * 24 + x * 2, map * 9]);
      }
    }
    const segments = gatherSegments(...columns(list));
    expect(segments).toHaveLength(1);
    expect(segments[0]!.loops).toHaveLength(3);
  });
});

describe('maps', () => {
  it('apply their dense matrix, and stay inside its interval bounds', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 8 }),
        fc.integer({ min: 1, max: 8 }),
        fc.nat(),
        (rows, width, seed) => {
          const map = randomMap(rows, width, seed);
          const x = randomValues(randomSource(seed), width, -2, 3);
          const y = applyMap(map, x);
          const bounds = boundMap(map, -2, 3);
          dense(map, rows, width).forEach((row, o) => {
            const expected = row.reduce((sum, w, i) => sum + w * x[i]!, 0);
            expect(Math.abs(y[o]! - expected)).toBeLessThan(1e-12);
            expect(y[o]).toBeGreaterThanOrEqual(bounds.lo[o]! - 1e-12);
            expect(y[o]).toBeLessThanOrEqual(bounds.hi[o]! + 1e-12);
            const least = row.reduce((sum, w) => sum + Math.min(w * -2, w * 3), 0);
            expect(bounds.lo[o]).toBeCloseTo(least, 10);
          });
        },
      ),
      { numRuns: 150, seed: 2 },
    );
  });

  it('compose to the product of their matrices', () => {
    const size = fc.integer({ min: 1, max: 7 });
    fc.assert(
      fc.property(size, size, size, fc.nat(), (rows, middle, width, seed) => {
        const second = randomMap(rows, middle, seed);
        const first = randomMap(middle, width, seed + 1);
        const composed = composeMaps(second, first);
        const [a, b] = [dense(second, rows, middle), dense(first, middle, width)];
        const product = a.map((row) =>
          Array.from({ length: width }, (_, i) =>
            row.reduce((sum, w, m) => sum + w * b[m]![i]!, 0),
          ),
        );
        dense(composed, rows, width).forEach((row, o) => {
          row.forEach((w, i) => {
            // One rounding to float32.
            expect(Math.abs(w - product[o]![i]!)).toBeLessThanOrEqual(
              2 ** -24 * Math.abs(product[o]![i]!) + 1e-12,
            );
            expect(w).toBe(Math.fround(w));
          });
        });
        expect(entryCount(composed)).toBeLessThanOrEqual(compositionCost(second, first));
        expect(composed.inShape).toEqual([width]);
        expect(composed.outShape).toEqual([rows]);
      }),
      { numRuns: 150, seed: 3 },
    );
  });

  it('drop zeros and share equal weights', () => {
    const n = 5000;
    const index = Array.from({ length: n }, (_, k) => k);
    const map = mapFromEntries(
      [n],
      [n],
      index,
      index,
      index.map((k) => (k % 10 === 0 ? 0 : k % 5)),
    );
    expect(entryCount(map)).toBe(n - n / 5);
    expect([...map.weights].sort((a, b) => a - b)).toEqual([1, 2, 3, 4]);
    expect(
      applyMap(
        map,
        index.map(() => 1),
      )[13],
    ).toBe(3);
  });

  it('know the identity', () => {
    expect(isIdentityMap(identityMap([2, 3], [6]))).toBe(true);
    expect(isIdentityMap({ ...identityMap([4]), weights: Float64Array.of(2) })).toBe(false);
    expect(isIdentityMap(mapFromEntries([2], [2], [1, 1], [1, 1], [1, 1]))).toBe(false);
    expect(isIdentityMap(mapFromEntries([2], [2], [0, 1], [1, 0], [1, 1]))).toBe(false);
    expect(() => identityMap([2], [3])).toThrow('keeps the number of elements');
  });
});

describe('decodeSegments refuses hostile lists before it allocates for them', () => {
  const inside = { inSize: 10, outSize: 10, weights: 10 };
  const loop = (count: number, out = 0, input = 0, weight = 0): number[] => [
    count,
    out,
    input,
    weight,
  ];
  const cases: [reason: string, code: number[]][] = [
    ['ends early', [1]],
    ['ends early', [0, 1, 2]],
    ['ends early', [2, 0, 0, 0, ...loop(2)]],
    ['ends early', [1, 0, 0, 0, 3, 1, 1]],
    ['not an index', [0, 0.5, 0, 0]],
    ['not an index', [0, NaN, 0, 0]],
    ['not an index', [0, Infinity, 0, 0]],
    ['not an index', [0, 2 ** 31 + 1, 0, 0]],
    ['too many loops', [17, 0, 0, 0, ...new Array<number>(17).fill(1).flatMap(() => loop(1))]],
    ['too many loops', [-1, 0, 0, 0]],
    ['an empty loop', [1, 0, 0, 0, ...loop(0)]],
    ['an empty loop', [1, 0, 0, 0, ...loop(-5)]],
    ['too many entries', [2, 0, 0, 0, ...loop(2 ** 31), ...loop(3)]],
    ['too many entries', [2, 0, 0, 0, ...loop(2 ** 20), ...loop(2 ** 20)]],
    // Each segment is small enough; together they are not.
    ['too many entries', new Array<number[]>(3).fill([1, 0, 0, 0, ...loop(2 ** 31)]).flat()],
    ['leaves the out range of 10', [0, 10, 0, 0]],
    ['leaves the out range of 10', [0, -1, 0, 0]],
    ['leaves the out range of 10', [1, 5, 0, 0, ...loop(6, 1)]],
    ['leaves the out range of 10', [1, 5, 0, 0, ...loop(7, -1)]],
    ['leaves the input range of 10', [1, 0, 9, 0, ...loop(2, 0, 1)]],
    ['leaves the weight range of 10', [1, 0, 0, 0, ...loop(2, 0, 0, 2 ** 31)]],
    // Two loops whose steps cancel at the end, but not in between.
    ['leaves the input range of 10', [2, 0, 5, 0, ...loop(3, 0, 4), ...loop(3, 0, -4)]],
  ];

  it.each(cases)('%s (%#)', (reason, code) => {
    const start = performance.now();
    const error = errorOf(() =>
      decodeSegments(code, inside.inSize, inside.outSize, inside.weights),
    );
    expect(error.code).toBe('PLAN_INVALID');
    expect(error.message).toContain(reason);
    expect(performance.now() - start).toBeLessThan(200);
  });

  it('and accepts what touches the bounds', () => {
    const code = [2, 9, 0, 9, ...loop(10, -1, 1, -1), ...loop(1, 500, 500, 500)];
    expect(decodeSegments(code, 10, 10, 10)).toHaveLength(1);
  });

  it('accepts exactly the lists whose entries all lie inside', () => {
    const step = fc.integer({ min: -3, max: 3 });
    const segments = fc.record({
      start: fc.tuple(fc.integer({ min: -1, max: 8 }), fc.nat(8), fc.nat(8)),
      loops: fc.array(fc.tuple(fc.integer({ min: 1, max: 3 }), step, step, step), { maxLength: 3 }),
    });
    let refusals = 0;
    fc.assert(
      fc.property(segments, ({ start, loops }) => {
        const code = [loops.length, ...start, ...loops.flat()];
        const [out, input, weight] = start;
        const segment: Segment = {
          out,
          input,
          weight,
          loops: loops.map(([count, o, i, w]) => ({ count, out: o, input: i, weight: w })),
        };
        const inRange = entriesOf({ segments: [segment] }).every((entry) =>
          entry.every((n) => n >= 0 && n < 9),
        );
        if (inRange) {
          expect(decodeSegments(code, 9, 9, 9)).toEqual([segment]);
        } else {
          refusals++;
          expect(() => decodeSegments(code, 9, 9, 9)).toThrow(/leaves the/);
        }
      }),
      { numRuns: 500, seed: 4 },
    );
    expect(refusals).toBeGreaterThan(50);
  });
});
