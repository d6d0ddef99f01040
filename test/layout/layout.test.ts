import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  batchSize,
  checkLayout,
  elementCount,
  isBatchLayout,
  pack,
  placementOf,
  rowMajorStrides,
  samePlaces,
  unpack,
  usedSlots,
  zeroUnused,
} from '../../src/layout/layout.ts';
import type { Digit, Layout } from '../../src/layout/layout.ts';
import { randomLayouts } from '../support/random-layouts.ts';
import { randomSource, randomValues } from '../support/random.ts';

/** Eight elements in eight of sixteen slots, two apart. */
const valid: Layout = {
  shape: [1, 8],
  slots: 16,
  ciphertexts: 1,
  origin: [0, 0],
  digits: [{ of: 1, size: 8, step: 1, place: 'slot', stride: 2 }],
  unused: zeroUnused,
};

function images(layout: Layout, seed: number): Float64Array[] {
  const random = randomSource(seed);
  return Array.from({ length: batchSize(layout) }, () =>
    // Zero would pass for an empty slot.
    randomValues(random, elementCount(layout.shape), 1, 2),
  );
}

describe('pack and unpack', () => {
  it('are inverse for every layout', () => {
    fc.assert(
      fc.property(randomLayouts(), fc.nat(), (layout, seed) => {
        checkLayout(layout);
        const given = images(layout, seed);
        expect(unpack(layout, pack(layout, given))).toEqual(given);
      }),
      { numRuns: 300, seed: 1 },
    );
  });

  it('fill the slots that usedSlots names, and no other', () => {
    fc.assert(
      fc.property(randomLayouts(), fc.nat(), (layout, seed) => {
        const given = images(layout, seed);
        const used = usedSlots(layout);
        const packed = pack(layout, given);
        const filled = pack(layout, given, () => -7);
        expect(packed.map((vector) => [...vector].map((x) => (x === 0 ? 0 : 1)))).toEqual(
          used.map((vector) => [...vector]),
        );
        filled.forEach((vector, k) => {
          vector.forEach((x, slot) => {
            expect(x === -7).toBe(used[k]![slot] === 0);
          });
        });
        const { places, batchOffsets } = placementOf(layout);
        const count = used.reduce((sum, vector) => vector.reduce((n, bit) => n + bit, sum), 0);
        expect(count).toBe(places.length * batchOffsets.length);
      }),
      { numRuns: 150, seed: 2 },
    );
  });

  it('agree with the definition, slot by slot', () => {
    // A second implementation: every combination of digits names a slot and an element.
    fc.assert(
      fc.property(randomLayouts(), fc.nat(), (layout, seed) => {
        const given = images(layout, seed);
        const packed = pack(layout, given);
        const strides = rowMajorStrides(layout.shape);
        const visit = (
          digits: readonly Digit[],
          at: { index: number[]; image: number; slot: number; ciphertext: number },
        ): void => {
          const [digit, ...rest] = digits;
          if (digit === undefined) {
            if (at.index.some((n, axis) => n < 0 || n >= layout.shape[axis]!)) return;
            const element = at.index.reduce((sum, n, axis) => sum + n * strides[axis]!, 0);
            expect(packed[at.ciphertext]![at.slot]).toBe(given[at.image]![element]);
            return;
          }
          for (let value = 0; value < digit.size; value++) {
            visit(rest, {
              index: at.index.map((n, axis) => (axis === digit.of ? n + value * digit.step : n)),
              image: at.image + (digit.of === 'batch' ? value * digit.step : 0),
              slot: at.slot + (digit.place === 'slot' ? value * digit.stride : 0),
              ciphertext: at.ciphertext + (digit.place === 'ciphertext' ? value * digit.stride : 0),
            });
          }
        };
        visit(layout.digits, { index: [...layout.origin], image: 0, slot: 0, ciphertext: 0 });
      }),
      { numRuns: 100, seed: 3 },
    );
  });

  it('lay out the patches of a padded first convolution, overlapping digits and all', () => {
    // Windows of 3 at stride 2 over 5 pixels, padded by one on each side: positions −1 … 5.
    const layout: Layout = {
      shape: [1, 5],
      slots: 4,
      ciphertexts: 3,
      origin: [0, -1],
      digits: [
        { of: 1, size: 3, step: 2, place: 'slot', stride: 1 },
        { of: 1, size: 3, step: 1, place: 'ciphertext', stride: 1 },
      ],
      unused: zeroUnused,
    };
    checkLayout(layout);
    const packed = pack(layout, [[1, 2, 3, 4, 5]]);
    expect(packed.map((vector) => [...vector])).toEqual([
      [0, 2, 4, 0],
      [1, 3, 5, 0],
      [2, 4, 0, 0],
    ]);
    expect([...unpack(layout, packed)[0]!]).toEqual([1, 2, 3, 4, 5]);
  });

  it('take the first of several copies, and zeros for a missing image', () => {
    const layout: Layout = {
      ...valid,
      shape: [2],
      origin: [0],
      digits: [
        { of: 'batch', size: 2, step: 1, place: 'slot', stride: 8 },
        { of: 'copy', size: 2, step: 0, place: 'slot', stride: 4 },
        { of: 0, size: 2, step: 1, place: 'slot', stride: 1 },
      ],
    };
    checkLayout(layout);
    const [vector] = pack(layout, [[5, 6]]);
    expect([...vector!]).toEqual([5, 6, 0, 0, 5, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    vector![4] = 9;
    expect(unpack(layout, [vector!]).map((image) => [...image])).toEqual([
      [5, 6],
      [0, 0],
    ]);
    expect(() => pack(layout, [[], [], []])).toThrow('more images than the layout holds');
  });
});

describe('checkLayout', () => {
  const digit = valid.digits[0]!;
  const refused: [rule: string, layout: Layout][] = [
    ['slots must be a power of two', { ...valid, slots: 24 }],
    ['slots must be a power of two', { ...valid, slots: 0 }],
    ['slots must be a power of two', { ...valid, slots: 131_072 }],
    ['slots must be a power of two', { ...valid, slots: 1.5 }],
    ['number of ciphertexts', { ...valid, ciphertexts: 0 }],
    ['number of ciphertexts', { ...valid, ciphertexts: 2 ** 31 }],
    ['differ in rank', { ...valid, origin: [0] }],
    [
      'too many axes',
      {
        ...valid,
        shape: [...valid.shape, ...new Array<number>(15).fill(1)],
        origin: new Array<number>(17).fill(0),
      },
    ],
    ['too many axes', { ...valid, digits: new Array<Digit>(65).fill({ ...digit, size: 1 }) }],
    ['an integer below 2^31', { ...valid, origin: [0, 0.5] }],
    ['an integer below 2^31', { ...valid, digits: [{ ...digit, stride: 2 ** 32 }] }],
    ['an integer below 2^31', { ...valid, digits: [{ ...digit, size: Number.NaN }] }],
    ['the shape is out of bounds', { ...valid, shape: [0, 8] }],
    ['the shape is out of bounds', { ...valid, shape: [2 ** 30, 2 ** 30] }],
    ['negative digit', { ...valid, digits: [{ ...digit, size: 0 }] }],
    ['negative digit', { ...valid, digits: [{ ...digit, stride: -1 }] }],
    ['negative digit', { ...valid, digits: [{ ...digit, step: -1 }] }],
    ['digit of no axis', { ...valid, digits: [{ ...digit, of: 2 }] }],
    ['digit of no axis', { ...valid, digits: [{ ...digit, of: -1 }] }],
    [
      'too many combinations',
      { ...valid, digits: [digit, { ...digit, of: 'copy', size: 2 ** 30, stride: 0 }] },
    ],
    ['past the last slot', { ...valid, digits: [{ ...digit, stride: 3 }] }],
    [
      'past the last ciphertext',
      { ...valid, digits: [{ ...digit, place: 'ciphertext', stride: 1 }] },
    ],
    ['no digit names', { ...valid, ciphertexts: 2 }],
    ['two elements share a slot', { ...valid, digits: [{ ...digit, stride: 0 }] }],
    [
      'two elements share a slot',
      { ...valid, digits: [digit, { of: 'batch', size: 2, step: 1, place: 'slot', stride: 0 }] },
    ],
    // Whole ciphertexts for elements, slots for images: each is looked at by itself.
    [
      'two elements share a slot',
      { ...valid, ciphertexts: 8, digits: [{ ...digit, place: 'ciphertext', stride: 0 }] },
    ],
    [
      'two elements share a slot',
      {
        ...valid,
        ciphertexts: 8,
        digits: [
          { ...digit, place: 'ciphertext', stride: 1 },
          { of: 'batch', size: 2, step: 1, place: 'slot', stride: 0 },
        ],
      },
    ],
    ['an element has no slot', { ...valid, digits: [{ ...digit, size: 7 }] }],
    ['an element has no slot', { ...valid, digits: [{ ...digit, step: 2 }] }],
    ['an element has no slot', { ...valid, origin: [0, 1] }],
    [
      'an element has no slot',
      { ...valid, shape: [2 ** 30], origin: [0], digits: [{ ...digit, of: 0 }] },
    ],
    [
      'batch digits leave images out',
      { ...valid, digits: [digit, { of: 'batch', size: 2, step: 2, place: 'slot', stride: 1 }] },
    ],
    // 2^31 images would take 8 GiB of offsets.
    [
      'batch digits leave images out',
      {
        ...valid,
        digits: [digit, { of: 'batch', size: 2, step: 2 ** 31 - 1, place: 'slot', stride: 1 }],
      },
    ],
    ['bound of the unused slots', { ...valid, unused: { kind: 'unknown', bound: Infinity } }],
    ['bound of the unused slots', { ...valid, unused: { kind: 'unknown', bound: Number.NaN } }],
    ['bound of the unused slots', { ...valid, unused: { kind: 'unknown', bound: -1 } }],
  ];

  it.each(refused)('refuses: %s (%#)', (rule, layout) => {
    const start = performance.now();
    expect(() => {
      checkLayout(layout, 'layout 3');
    }).toThrow(expect.objectContaining({ code: 'PLAN_INVALID' }));
    expect(() => {
      checkLayout(layout, 'layout 3');
    }).toThrow(new RegExp(`^layout 3: .*${rule.replace('^', '\\^')}`));
    // Nothing large is allocated or walked before the refusal.
    expect(performance.now() - start).toBeLessThan(500);
  });

  it('accepts the layout that these break', () => {
    expect(() => {
      checkLayout(valid);
    }).not.toThrow();
  });

  it('refuses a layout with a changed digit just when a slot repeats, an element is missing or a ciphertext is empty', () => {
    let refusals = 0;
    fc.assert(
      fc.property(randomLayouts(), fc.nat(), fc.nat(3), (layout, at, stride) => {
        fc.pre(layout.digits.length > 0);
        const victim = layout.digits[at % layout.digits.length]!;
        const digits = layout.digits.map((digit) =>
          digit === victim ? { ...digit, stride } : digit,
        );
        const across = digits.filter(({ place }) => place === 'ciphertext');
        const ciphertexts = across.reduce((sum, each) => sum + (each.size - 1) * each.stride, 1);
        const named = across.reduce((product, { size }) => product * size, 1);
        const changed = { ...layout, ciphertexts, slots: 4 * layout.slots, digits };
        const { places, elements, batchOffsets } = placementOf(changed);
        const all = [...places].flatMap((place) =>
          [...batchOffsets].map((offset) => place + offset),
        );
        const sound =
          ciphertexts <= named &&
          new Set(all).size === all.length &&
          new Set(elements).size === elementCount(layout.shape);
        if (sound) {
          expect(() => {
            checkLayout(changed);
          }).not.toThrow();
        } else {
          refusals++;
          expect(() => {
            checkLayout(changed);
          }).toThrow(/share a slot|has no slot|no digit names/);
        }
      }),
      { numRuns: 200, seed: 4 },
    );
    expect(refusals).toBeGreaterThan(50);
  });
});

describe('samePlaces', () => {
  it('ignores the state of unused slots, digits of one value and the order of fields', () => {
    const [digit] = valid.digits;
    const { of, size, step, place, stride } = digit!;
    const other: Layout = {
      ...valid,
      unused: { kind: 'unknown', bound: 3 },
      digits: [
        { of: 0, size: 1, step: 5, place: 'slot', stride: 7 },
        { stride, place, step, size, of },
      ],
    };
    expect(samePlaces(valid, other)).toBe(true);
  });

  it('tells layouts apart', () => {
    const [digit] = valid.digits;
    for (const other of [
      { ...valid, slots: 32 },
      { ...valid, ciphertexts: 2 },
      { ...valid, origin: [0, 1] },
      { ...valid, shape: [8, 1] },
      { ...valid, digits: [{ ...digit!, stride: 1 }] },
      { ...valid, digits: [{ ...digit!, of: 0 }] },
    ]) {
      expect(samePlaces(valid, other)).toBe(false);
    }
  });

  it('holds only for equal placements', () => {
    fc.assert(
      fc.property(randomLayouts(), randomLayouts(), (a, b) => {
        expect(samePlaces(a, { ...a })).toBe(true);
        if (!samePlaces(a, b)) return;
        expect(placementOf(a)).toEqual(placementOf(b));
      }),
      { numRuns: 100, seed: 5 },
    );
  });
});

it('isBatchLayout: batch digits fill the slots, axes the ciphertexts', () => {
  const batch: Digit = { of: 'batch', size: 16, step: 1, place: 'slot', stride: 1 };
  const axis: Digit = { of: 1, size: 8, step: 1, place: 'ciphertext', stride: 1 };
  const layout = { ...valid, ciphertexts: 8, digits: [batch, axis] };
  checkLayout(layout);
  expect(isBatchLayout(layout)).toBe(true);
  expect(batchSize(layout)).toBe(16);
  expect(isBatchLayout(valid)).toBe(false);
});
