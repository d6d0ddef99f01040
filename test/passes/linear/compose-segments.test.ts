import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyMap, composeMaps, entryCount, identityMap } from '../../../src/ir/linear-map.ts';
import type { LinearMap } from '../../../src/ir/linear-map.ts';
import { elementCount } from '../../../src/layout/layout.ts';
import { affineOfOperation } from '../../../src/passes/linear/affine-form.ts';
import { composeSegments } from '../../../src/passes/linear/compose-segments.ts';
import { entriesOf } from '../../support/map-entries.ts';
import { randomSource, randomValues } from '../../support/random.ts';
import { writeProgram } from '../../support/small-programs.ts';

/** The matrices of a pool (or a transposition) and of the convolution behind it. */
function mapsOf(
  first: { op: string; attributes: Record<string, unknown> },
  conv: { maps: number; kernel: number; stride: number; pad: number },
  size: number,
  seed: number,
): readonly [LinearMap, LinearMap] {
  const channels = 2;
  const program = writeProgram(({ input, add, random }) => {
    const x = input([1, channels, size, size]);
    const y = add(first.op, [x], first.attributes as never);
    return [
      add('nn.conv', [y], {
        weights: random([conv.maps, channels, conv.kernel, conv.kernel]),
        bias: null,
        strides: [conv.stride, conv.stride],
        dilations: [1, 1],
        pads: [conv.pad, conv.pad, conv.pad, conv.pad],
        groups: 1,
      }),
    ];
  }, seed);
  const [a, b] = program.operations
    .slice(1)
    .map((operation) => affineOfOperation(program, operation)!.maps[0]!);
  return [a!, b!];
}

const pool = (kernel: number, stride: number, pad = 0) => ({
  op: 'nn.average-pool',
  attributes: {
    kernelShape: [kernel, kernel],
    strides: [stride, stride],
    dilations: [1, 1],
    pads: [pad, pad, pad, pad],
    ceilMode: false,
    countIncludePad: true,
  },
});

function expectSameMap(composed: LinearMap, second: LinearMap, first: LinearMap): void {
  const generic = composeMaps(second, first);
  expect(entryCount(composed)).toBe(entryCount(generic));
  const x = randomValues(randomSource(3), elementCount(first.inShape));
  const [got, wanted] = [applyMap(composed, x), applyMap(generic, x)];
  got.forEach((value, o) => {
    expect(Math.abs(value - wanted[o]!)).toBeLessThanOrEqual(1e-5);
  });
  expect(entriesOf(composed).every(([, i]) => i >= 0 && i < x.length)).toBe(true);
}

describe('composition by segments', () => {
  it('is the composition, wherever it gives one', () => {
    let given = 0;
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 3 }),
        fc.integer({ min: 1, max: 3 }),
        fc.integer({ min: 0, max: 1 }),
        fc.record({
          maps: fc.integer({ min: 1, max: 3 }),
          kernel: fc.integer({ min: 1, max: 3 }),
          stride: fc.integer({ min: 1, max: 2 }),
          pad: fc.integer({ min: 0, max: 2 }),
        }),
        fc.integer({ min: 9, max: 12 }),
        fc.nat(),
        (kernel, stride, pad, conv, size, seed) => {
          const own = pool(kernel, stride, Math.min(pad, kernel - 1));
          const [first, second] = mapsOf(own, conv, size, seed);
          const composed = composeSegments(second, first);
          if (composed === null) return;
          given++;
          expectSameMap(composed, second, first);
        },
      ),
      { numRuns: 200, seed: 11 },
    );
    expect(given).toBeGreaterThan(60);
  });

  it('keeps a padded convolution behind a pool compact', () => {
    const conv = { maps: 4, kernel: 5, stride: 1, pad: 2 };
    const [first, second] = mapsOf(pool(2, 2), conv, 28, 1);
    const composed = composeSegments(second, first);
    expect(composed!.segments).toHaveLength(100);
    expectSameMap(composed!, second, first);
    expect(composeMaps(second, first).segments.length).toBeGreaterThan(200);
  });

  it('leaves windows that overlap, and weights that differ, to the general way', () => {
    const conv = { maps: 2, kernel: 3, stride: 1, pad: 1 };
    const [overlapping, behind] = mapsOf(pool(3, 2), conv, 9, 1);
    expect(composeSegments(behind, overlapping)).toBeNull();
    const weighted = { ...identityMap([4]), weights: Float64Array.of(1, 2, 3, 4) };
    const loops = [{ count: 4, out: 1, input: 1, weight: 1 }];
    const segments = [{ out: 0, input: 0, weight: 0, loops }];
    expect(composeSegments(identityMap([4]), { ...weighted, segments })).toBeNull();
  });
});
