import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { groupProducts } from '../../src/ir/ckks/group-products.ts';
import { applyMap, identityMap, mapFromEntries, scaleMap } from '../../src/ir/linear-map.ts';
import type { LinearMap } from '../../src/ir/linear-map.ts';
import {
  centredRotation,
  diagonalTerms,
  foldRotations,
  foldsWholeRing,
  layoutBeforeFold,
  splitRotation,
} from '../../src/ir/packed/diagonals.ts';
import type { Fold } from '../../src/ir/packed/diagonals.ts';
import { rotateVector } from '../../src/ir/packed/values.ts';
import {
  batchSize,
  checkLayout,
  elementCount,
  pack,
  placementOf,
  unpack,
  zeroUnused,
} from '../../src/layout/layout.ts';
import type { Layout } from '../../src/layout/layout.ts';
import { stridedLayout } from '../../src/passes/packing/candidates.ts';
import { randomLayout } from '../support/random-layouts.ts';
import { randomSource, randomValues } from '../support/random.ts';

const slots = 32;

function randomMap(
  inShape: readonly number[],
  outShape: readonly number[],
  seed: number,
): LinearMap {
  const random = randomSource(seed);
  const out: number[] = [];
  const input: number[] = [];
  for (let o = 0; o < elementCount(outShape); o++) {
    for (let i = 0; i < elementCount(inShape); i++) {
      if (random() > 0.4) continue;
      out.push(o);
      input.push(i);
    }
  }
  return mapFromEntries(inShape, outShape, out, input, randomValues(random, out.length));
}

function folded(
  vectors: Float64Array<ArrayBuffer>[],
  fold: Fold | null,
): Float64Array<ArrayBuffer>[] {
  return foldRotations(fold).reduce(
    (sums, step) =>
      sums.map((vector) => {
        const rotated = rotateVector(vector, step);
        return vector.map((value, slot) => value + rotated[slot]!);
      }),
    vectors,
  );
}

/** Compute a map the way terms say, on one image; a second one checks that batches do not mix. */
function byTerms(
  map: LinearMap,
  input: Layout,
  output: Layout,
  fold: Fold | null,
  x: readonly Float64Array[],
) {
  const vectors = pack(input, x);
  const terms = diagonalTerms(map, input, output, fold);
  const sums = Array.from({ length: output.ciphertexts }, () => new Float64Array(slots));
  for (let t = 0; t < terms.weight.length; t++) {
    const slot = terms.outSlot[t]!;
    for (const offset of placementOf(output).batchOffsets) {
      const from = vectors[terms.inCiphertext[t]!]!;
      const source = (slot + offset + terms.rotation[t]! + slots) % slots;
      sums[terms.outCiphertext[t]!]![(slot + offset) % slots]! +=
        map.weights[terms.weight[t]!]! * from[source]!;
    }
  }
  return unpack(output, folded(sums, fold), x.length);
}

/** Compute it by plaintexts, baby and giant steps. */
function byGroups(
  map: LinearMap,
  input: Layout,
  output: Layout,
  method: { giantStep: number; fold: Fold | null },
  x: readonly Float64Array[],
) {
  const vectors = pack(input, x);
  const groups = groupProducts({ maps: [map], bias: null }, [input], output, method);
  const sums = Array.from({ length: output.ciphertexts }, () => new Float64Array(slots));
  for (let g = 0; g < groups.count; g++) {
    const diagonal = new Float64Array(slots);
    for (let k = groups.start[g]!; k < groups.start[g + 1]!; k++) {
      for (const offset of placementOf(output).batchOffsets) {
        diagonal[(groups.slot[k]! + offset) % slots]! += groups.weight[k]!;
      }
    }
    const rotated = rotateVector(vectors[groups.inCiphertext[g]!]!, groups.baby[g]!);
    const product = rotated.map((value, slot) => value * diagonal[slot]!);
    const moved = rotateVector(product, groups.giant[g]!);
    const sum = sums[groups.outCiphertext[g]!]!;
    moved.forEach((value, slot) => {
      sum[slot]! += value;
    });
  }
  return unpack(output, folded(sums, method.fold), x.length);
}

/** An output whose slots lie in the first `step` of each partial sum, and its fold. */
function foldedOutput(seed: number): { output: Layout; fold: Fold } {
  const random = randomSource(seed);
  const width = 1 + Math.floor(random() * 4);
  const step = 2 ** (2 + Math.floor(random() * 2));
  const whole = random() < 0.5;
  const count = whole ? slots / step : 2;
  const copies = whole && random() < 0.7;
  const output: Layout = {
    shape: [1, width],
    slots,
    ciphertexts: 1,
    origin: [0, 0],
    digits: [
      ...(copies
        ? [{ of: 'copy', size: count, step: 0, place: 'slot', stride: step } as const]
        : []),
      { of: 1, size: width, step: 1, place: 'slot', stride: 1 },
    ],
    unused: zeroUnused,
  };
  return { output, fold: { step, count } };
}

function expectClose(
  got: readonly Float64Array[],
  map: LinearMap,
  x: readonly Float64Array[],
): void {
  x.forEach((image, b) => {
    const expected = applyMap(map, image);
    expected.forEach((value, o) => {
      expect(Math.abs(got[b]![o]! - value)).toBeLessThan(1e-12);
    });
  });
}

const seeds = fc.record({ input: fc.nat(), output: fc.nat(), map: fc.nat(), giant: fc.nat(16) });

describe('diagonals', () => {
  it('compute the matrix between any two layouts', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const input = randomLayout(seed.input, { slots, batch: 1 });
        const output = randomLayout(seed.output, { slots, batch: 1 });
        checkLayout(input);
        checkLayout(output);
        const map = randomMap(input.shape, output.shape, seed.map);
        const x = [randomValues(randomSource(seed.map), elementCount(input.shape))];
        expectClose(byTerms(map, input, output, null, x), map, x);
        const method = { giantStep: seed.giant, fold: null };
        expectClose(byGroups(map, input, output, method, x), map, x);
      }),
      { numRuns: 200, seed: 1 },
    );
  });

  it('fill every copy of an output', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const input = randomLayout(seed.input, { slots, batch: 1 });
        const output = randomLayout(seed.output, { slots, batch: 1 });
        const map = randomMap(input.shape, output.shape, seed.map);
        const terms = diagonalTerms(map, input, output, null);
        const written = new Set<number>();
        terms.outSlot.forEach((slot, t) => written.add(terms.outCiphertext[t]! * slots + slot));
        const rows = new Set([...mapRows(map)]);
        const { elements, places } = placementOf(output);
        places.forEach((place, k) => {
          expect(written.has(place)).toBe(rows.has(elements[k]!));
        });
      }),
      { numRuns: 100, seed: 2 },
    );
  });

  it('compute it with folds, whole rings and their copies included', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const input = randomLayout(seed.input, { slots, batch: 1 });
        const { output, fold } = foldedOutput(seed.output);
        checkLayout(output);
        const map = randomMap(input.shape, output.shape, seed.map);
        const x = [randomValues(randomSource(seed.map), elementCount(input.shape))];
        expectClose(byTerms(map, input, output, fold, x), map, x);
        expectClose(byGroups(map, input, output, { giantStep: seed.giant, fold }, x), map, x);
        // Copies that the fold makes by itself are not computed a second time.
        const before = layoutBeforeFold(output, fold);
        const terms = diagonalTerms(map, input, output, fold);
        const entries = [...mapRows(map)].length;
        if (foldsWholeRing(fold, slots)) expect(terms.weight.length).toBe(entries);
        expect(before.digits.some(({ of }) => of === 'copy')).toBe(false);
        // A fold leaves no rotation longer than half of its step, where the ring closes.
        if (foldsWholeRing(fold, slots)) {
          for (const rotation of terms.rotation) {
            expect(Math.abs(rotation)).toBeLessThanOrEqual(fold.step / 2);
          }
        }
      }),
      { numRuns: 200, seed: 3 },
    );
  });

  it('compute each image of a batch by itself', () => {
    const make = (stride: number, size: number): Layout => ({
      shape: [1, size],
      slots,
      ciphertexts: 1,
      origin: [0, 0],
      digits: [
        { of: 1, size, step: 1, place: 'slot', stride },
        { of: 'batch', size: 4, step: 1, place: 'slot', stride: 1 },
      ],
      unused: zeroUnused,
    });
    const [input, output] = [make(4, 7), make(8, 3)];
    expect(batchSize(input)).toBe(4);
    const map = randomMap([1, 7], [1, 3], 5);
    const x = [1, 2, 3, 4].map((seed) => randomValues(randomSource(seed), 7));
    expectClose(byTerms(map, input, output, null, x), map, x);
    expectClose(byGroups(map, input, output, { giantStep: 8, fold: null }, x), map, x);
  });

  it('take the rotation of least magnitude, a positive one before its negative, the lowest place first', () => {
    const input: Layout = {
      shape: [1],
      slots: 8,
      ciphertexts: 1,
      origin: [0],
      digits: [{ of: 'copy', size: 2, step: 0, place: 'slot', stride: 4 }],
      unused: zeroUnused,
    };
    const output = (origin: number): Layout => ({
      shape: [4],
      slots: 8,
      ciphertexts: 1,
      origin: [origin],
      digits: [{ of: 0, size: 4, step: 1, place: 'slot', stride: 1 }],
      unused: zeroUnused,
    });
    const map = mapFromEntries([1], [4], [0, 1, 2, 3], [0, 0, 0, 0], [1, 2, 3, 4]);
    // Copies stand in the slots 0 and 4; slot 2 is two away from both: rotate left by +2, not −2.
    expect([...diagonalTerms(map, input, output(0), null).rotation]).toEqual([0, -1, 2, 1]);
  });

  it('are the same every time', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const terms = () => {
          const input = randomLayout(seed.input, { slots, batch: 1 });
          const output = randomLayout(seed.output, { slots, batch: 1 });
          return diagonalTerms(randomMap(input.shape, output.shape, seed.map), input, output, null);
        };
        expect(terms()).toEqual(terms());
      }),
      { numRuns: 20, seed: 4 },
    );
  });
});

function mapRows(map: LinearMap): number[] {
  const rows: number[] = [];
  for (const segment of map.segments) {
    const walk = (depth: number, out: number): void => {
      const loop = segment.loops[depth];
      if (loop === undefined) rows.push(out);
      else for (let n = 0; n < loop.count; n++) walk(depth + 1, out + n * loop.out);
    };
    walk(0, segment.out);
  }
  return rows;
}

describe('splitRotation', () => {
  it('gives a baby step in [−G/2, G/2) and a giant step that makes up the rest', () => {
    const ring = fc.integer({ min: 2, max: 13 }).map((bits) => 2 ** bits);
    fc.assert(
      fc.property(ring, fc.nat(), fc.integer(), (size, g, r) => {
        const giantStep = g % size;
        const rotation = centredRotation(r, size);
        const { baby, giant } = splitRotation(rotation, giantStep, size);
        if (giantStep === 0) {
          expect([baby, giant]).toEqual([rotation, 0]);
          return;
        }
        expect(baby).toBeGreaterThanOrEqual(-Math.floor(giantStep / 2));
        expect(baby).toBeLessThan(giantStep - Math.floor(giantStep / 2));
        expect(centredRotation(baby + giant, size)).toBe(rotation);
        expect(giant).toBeGreaterThan(-size / 2);
        expect(giant).toBeLessThanOrEqual(size / 2);
      }),
      { numRuns: 1000, seed: 1 },
    );
  });

  it.each([
    [0, 8, 0],
    [5, 8, -3],
    [4, 8, 4],
    [-4, 8, 4],
    [12, 8, 4],
    [-5, 8, 3],
  ])('centres %i in a ring of %i as %i', (rotation, size, expected) => {
    expect(centredRotation(rotation, size)).toBe(expected);
  });
});

test('operations that share their first matrix but not their second have products of their own', () => {
  const layout = stridedLayout([1, 4], [4, 1], 8);
  const shared = identityMap([1, 4]);
  const method = { giantStep: 0, fold: null };
  const products = (factor: number): number[] => {
    const maps = [shared, scaleMap(identityMap([1, 4]), () => factor, null)];
    return [...groupProducts({ maps, bias: null }, [layout, layout], layout, method).weight];
  };
  expect(products(2)).toEqual([1, 1, 1, 1, 2, 2, 2, 2]);
  expect(products(3)).toEqual([1, 1, 1, 1, 3, 3, 3, 3]);
});
