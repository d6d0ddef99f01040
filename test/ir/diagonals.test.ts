import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { addDiagonal, groupProducts, sumOfGroup } from '../../src/ir/ckks/group-products.ts';
import { applyMap, identityMap, mapFromEntries } from '../../src/ir/linear-map.ts';
import type { LinearMap } from '../../src/ir/linear-map.ts';
import {
  centredRotation,
  foldRotations,
  foldsWholeRing,
  forEachDiagonal,
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
import { batchLayout, stridedLayout } from '../../src/passes/packing/candidates.ts';
import { entriesOf } from '../support/map-entries.ts';
import { randomLayout } from '../support/random-layouts.ts';
import { randomSegmentMap } from '../support/random-maps.ts';
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

/** One product of a weight and a slot. */
interface Product {
  readonly outCiphertext: number;
  readonly slot: number;
  readonly inCiphertext: number;
  readonly rotation: number;
  readonly weight: number;
}

/** The products of a map between layouts, its runs written out. */
function productsOf(map: LinearMap, input: Layout, output: Layout, fold: Fold | null): Product[] {
  const products: Product[] = [];
  const mask = output.slots - 1;
  forEachDiagonal(
    map,
    input,
    output,
    fold,
    (outCiphertext, slot, inCiphertext, rotation, weight, length, slotStep, weightStep) => {
      for (let n = 0; n < length; n++) {
        products.push({
          outCiphertext,
          slot: (slot + n * slotStep) & mask,
          inCiphertext,
          rotation,
          weight: weight + n * weightStep,
        });
      }
    },
  );
  return products;
}

/**
 * The same from the rule: of every copy of the input the least rotation that lies within half a step of
 * a multiple of all partial sums together.
 */
function productsByRule(
  map: LinearMap,
  input: Layout,
  output: Layout,
  fold: Fold | null,
): Product[] {
  const placesOf = (layout: Layout, element: number): number[] => {
    const { elements, places } = placementOf(layout);
    return [...places].filter((_, k) => elements[k] === element).sort((a, b) => a - b);
  };
  const before = layoutBeforeFold(output, fold);
  const size = output.slots;
  return entriesOf(map).flatMap(([o, i, weight]) =>
    placesOf(before, o).map((outPlace): Product => {
      const choices = placesOf(input, i).flatMap((inPlace) =>
        Array.from({ length: fold?.count ?? 1 }, (_, partial) => {
          const away = partial * (fold?.step ?? 0);
          const rotation = centredRotation(inPlace - outPlace - away, size);
          return { inPlace, rotation, slot: (outPlace + away) % size };
        }).filter(({ rotation }) => {
          if (fold === null) return true;
          const rest = centredRotation(rotation, fold.count * fold.step);
          return rest > -fold.step / 2 && rest <= fold.step / 2;
        }),
      );
      const rank = ({ rotation }: { rotation: number }): number =>
        rotation >= 0 ? 2 * rotation : -2 * rotation + 1;
      const { inPlace, rotation, slot } = choices.reduce((a, b) => (rank(b) < rank(a) ? b : a));
      return {
        outCiphertext: Math.floor(outPlace / size),
        slot,
        inCiphertext: Math.floor(inPlace / size),
        rotation,
        weight,
      };
    }),
  );
}

const slotKey = ({ outCiphertext, slot }: Product): string => `${outCiphertext}/${slot}`;
const diagonalKey = (product: Product): string =>
  [slotKey(product), product.inCiphertext, product.rotation].join('/');

/** Compute a map the way terms say, on one image; a second one checks that batches do not mix. */
function byTerms(
  map: LinearMap,
  input: Layout,
  output: Layout,
  fold: Fold | null,
  x: readonly Float64Array[],
) {
  const vectors = pack(input, x);
  const sums = Array.from({ length: output.ciphertexts }, () => new Float64Array(slots));
  for (const term of productsOf(map, input, output, fold)) {
    for (const offset of placementOf(output).batchOffsets) {
      const from = vectors[term.inCiphertext]!;
      const source = (term.slot + offset + term.rotation + slots) % slots;
      sums[term.outCiphertext]![(term.slot + offset) % slots]! +=
        map.weights[term.weight]! * from[source]!;
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
    addDiagonal(groups, g, placementOf(output).batchOffsets, diagonal);
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
  if (random() < 0.3) return spreadOutput(width, 2 ** Math.floor(1 + random() * 3));
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

/** An output with its partial sums between its elements. */
function spreadOutput(width: number, count: number): { output: Layout; fold: Fold } {
  const output: Layout = {
    shape: [1, width],
    slots,
    ciphertexts: 1,
    origin: [0, 0],
    digits: [{ of: 1, size: width, step: 1, place: 'slot', stride: count }],
    unused: zeroUnused,
  };
  return { output, fold: { step: 1, count } };
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
        const written = new Set(
          productsOf(map, input, output, null).map(
            ({ outCiphertext, slot }) => outCiphertext * slots + slot,
          ),
        );
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
        const terms = productsOf(map, input, output, fold);
        const entries = [...mapRows(map)].length;
        if (foldsWholeRing(fold, slots)) expect(terms).toHaveLength(entries);
        expect(before.digits.some(({ of }) => of === 'copy')).toBe(false);
        // A fold leaves no rotation longer than half of its step, where the ring closes.
        if (foldsWholeRing(fold, slots)) {
          for (const { rotation } of terms) {
            expect(Math.abs(rotation)).toBeLessThanOrEqual(fold.step / 2);
          }
        }
      }),
      { numRuns: 200, seed: 3 },
    );
  });

  it('read another part of every copy where the partial sums lie between the outputs', () => {
    const { output, fold } = spreadOutput(slots / 8, 8);
    const input: Layout = {
      ...output,
      shape: [1, 16],
      digits: [
        { of: 'copy', size: slots / 16, step: 0, place: 'slot', stride: 16 },
        { of: 1, size: 16, step: 1, place: 'slot', stride: 1 },
      ],
    };
    const map = randomMap(input.shape, output.shape, 3);
    const rotations = new Set(productsOf(map, input, output, fold).map(({ rotation }) => rotation));
    // Sixteen diagonals, eight of which share a product.
    expect([...rotations].sort((a, b) => a - b)).toEqual([0, 8]);
    const x = [randomValues(randomSource(4), 16)];
    expectClose(byTerms(map, input, output, fold, x), map, x);
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
    expect(productsOf(map, input, output(0), null).map(({ rotation }) => rotation)).toEqual([
      0, -1, 2, 1,
    ]);
  });

  it('are the same every time', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const terms = () => {
          const input = randomLayout(seed.input, { slots, batch: 1 });
          const output = randomLayout(seed.output, { slots, batch: 1 });
          return productsOf(randomMap(input.shape, output.shape, seed.map), input, output, null);
        };
        expect(terms()).toEqual(terms());
      }),
      { numRuns: 20, seed: 4 },
    );
  });
});

describe('runs of products', () => {
  const cases = fc.record({
    input: fc.nat(),
    output: fc.nat(),
    map: fc.nat(),
    folded: fc.boolean(),
    giant: fc.nat(16),
  });
  const layoutsOf = (
    seed: Record<'input' | 'output' | 'map' | 'giant', number> & { folded: boolean },
  ) => {
    const shapeOf = (n: number): number[] => [1 + (n % 3), 1 + ((n >> 2) % 10)];
    const options = (n: number) => ({ slots, batch: 1, shape: shapeOf(n) });
    const input = randomLayout(seed.input, options(seed.input));
    const random = { output: randomLayout(seed.output, options(seed.output)), fold: null };
    const { output, fold } = seed.folded ? foldedOutput(seed.output) : random;
    return { input, output, fold, map: randomSegmentMap(input.shape, output.shape, seed.map) };
  };

  it('expand to the products that the rule gives, on every diagonal in the order of the entries', () => {
    let joined = 0;
    fc.assert(
      fc.property(cases, (seed) => {
        const { input, output, fold, map } = layoutsOf(seed);
        const got = productsOf(map, input, output, fold);
        const wanted = productsByRule(map, input, output, fold);
        expect(Map.groupBy(got, diagonalKey)).toEqual(Map.groupBy(wanted, diagonalKey));
        if (fold === null) {
          expect(Map.groupBy(got, slotKey)).toEqual(Map.groupBy(wanted, slotKey));
        }
        joined += got.length;
        forEachDiagonal(map, input, output, fold, () => joined--);
      }),
      { numRuns: 1500, seed: 7 },
    );
    expect(joined).toBeGreaterThan(400);
  });

  it('are gathered into the plaintexts of the products that the rule gives', () => {
    fc.assert(
      fc.property(cases, (seed) => {
        const { input, output, fold, map } = layoutsOf(seed);
        const method = { giantStep: seed.giant, fold };
        const groups = groupProducts({ maps: [map], bias: null }, [input], output, method);
        const wanted = new Map<string, Float64Array>();
        for (const product of productsByRule(map, input, output, fold)) {
          const weight = map.weights[product.weight]!;
          if (weight === 0) continue;
          const { outCiphertext, inCiphertext, rotation, slot } = product;
          const { baby, giant } = splitRotation(rotation, seed.giant, slots);
          const key = [outCiphertext, giant, inCiphertext, centredRotation(baby, slots)].join();
          const diagonal = wanted.get(key) ?? new Float64Array(slots);
          diagonal[(slot + giant + slots) % slots]! += weight;
          wanted.set(key, diagonal);
        }
        const got = new Map<string, Float64Array>();
        for (let g = 0; g < groups.count; g++) {
          const { outCiphertext, giant, inCiphertext, baby } = groups;
          const diagonal = new Float64Array(slots);
          addDiagonal(groups, g, Int32Array.of(0), diagonal);
          got.set([outCiphertext[g], giant[g], inCiphertext[g], baby[g]].join(), diagonal);
          const sum = diagonal.reduce((total, value) => total + value, 0);
          expect(Math.abs(sumOfGroup(groups, g) - sum)).toBeLessThan(1e-9);
        }
        expect(got).toEqual(wanted);
      }),
      { numRuns: 600, seed: 8 },
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
    const maps = [shared, { ...identityMap([1, 4]), weights: Float64Array.of(factor) }];
    const groups = groupProducts({ maps, bias: null }, [layout, layout], layout, method);
    const slotsOf = new Float64Array(8);
    addDiagonal(groups, 1, Int32Array.of(0), slotsOf);
    expect(groups.count).toBe(2);
    return [...slotsOf.subarray(0, 4)];
  };
  expect(products(2)).toEqual([2, 2, 2, 2]);
  expect(products(3)).toEqual([3, 3, 3, 3]);
});

it('gathers the runs of maps between a million ciphertexts', () => {
  const shape = [1, 2 ** 20];
  const layout = batchLayout(shape, slots, slots);
  const places = Array.from({ length: 2 ** 14 }, (_, n) => n);
  const outs = places.map((n) => 2 ** 20 - 1 - 3 * n);
  const ins = places.map((n) => (n * 7919) % 2 ** 20);
  const weights = Float64Array.from(places, (n) => n + 1);
  const map = mapFromEntries(shape, shape, outs, ins, weights);
  const method = { giantStep: slots, fold: null };
  const groups = groupProducts({ maps: [map], bias: null }, [layout], layout, method);
  expect(groups.count).toBe(places.length);
  places.forEach((n) => {
    const group = places.length - 1 - n;
    expect(groups.outCiphertext[group]).toBe(outs[n]);
    expect(groups.inCiphertext[group]).toBe(ins[n]);
    expect(sumOfGroup(groups, group)).toBe(n + 1);
  });
});
