import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { layoutBeforeFold, mostCopies } from '../../src/ir/packed/diagonals.ts';
import { methodSchema } from '../../src/ir/packed/linear.ts';
import type { Program } from '../../src/ir/program.ts';
import { verify } from '../../src/ir/verify.ts';
import {
  batchSize,
  checkLayout,
  isBatchLayout,
  placementOf,
  samePlaces,
} from '../../src/layout/layout.ts';
import type { Layout } from '../../src/layout/layout.ts';
import choosePacking from '../../src/passes/choose-packing.ts';
import type { PassNote } from '../../src/passes/define-pass.ts';
import fuseLinear from '../../src/passes/fuse-linear.ts';
import lowerLinear from '../../src/passes/lower-linear.ts';
import type { CompileOptions } from '../../src/passes/options.ts';
import { checkLowering } from '../support/lowered-semantics.ts';
import { errorOf } from '../support/error-of.ts';
import { opsOf, writeProgram } from '../support/small-programs.ts';
import { slotContext } from '../support/slot-programs.ts';

const ringDegree = 4096;

/** A LoLa-like network: 2 × 2 windows at stride 2, a square, a dense layer. */
const network = writeProgram(({ input, add, random, polynomial, dense }) => {
  const x = input([1, 1, 8, 8]);
  const conv = add('nn.conv', [x], {
    weights: random([5, 1, 2, 2]),
    bias: random([5]),
    strides: [2, 2],
    dilations: [1, 1],
    pads: [0, 0, 0, 0],
    groups: 1,
  });
  const flat = add('nn.reshape', [polynomial(conv, [0, 0, 1])], { shape: [1, 80] });
  return [dense(flat, 80, 10)];
});

/** Strided convolutions of a colour image, each with one row of padding a row of outputs needs. */
function strided(size: number, kernels: readonly number[], strides: readonly number[]): Program {
  return writeProgram(({ input, add, random, polynomial }) => {
    let x = input([1, 3, size, size]);
    let channels = 3;
    kernels.forEach((kernel, k) => {
      const stride = strides[k]!;
      const conv = add('nn.conv', [x], {
        weights: random([16 * (k + 1), channels, kernel, kernel]),
        bias: random([16 * (k + 1)]),
        strides: [stride, stride],
        dilations: [1, 1],
        pads: Array.from({ length: 4 }, () => (kernel - stride + 1) >> 1),
        groups: 1,
      });
      x = k + 1 < kernels.length ? polynomial(conv, [0, 0, 1]) : conv;
      channels = 16 * (k + 1);
    });
    return [x];
  });
}

function packed(program: Program, options: Partial<CompileOptions> = {}) {
  const notes: PassNote[] = [];
  const context = slotContext(options, ringDegree, notes);
  const result = choosePacking.run(fuseLinear.run(program, context), context);
  verify(result);
  return { program: result, notes };
}

function layouts(program: Program): Layout[] {
  return program.operations.map(({ type }) => {
    if (type.kind !== 'vector') throw new Error('packed values are vectors');
    checkLayout(type.layout);
    return type.layout;
  });
}

describe('choose-packing', () => {
  it('gives every value a valid layout in the slots of the ring', () => {
    const { program } = packed(network);
    expect(program.operations.map(({ op }) => op)).toEqual([
      'packed.input',
      'packed.linear',
      'packed.polynomial',
      'packed.linear',
    ]);
    for (const layout of layouts(program)) {
      expect(layout.slots).toBe(ringDegree / 2);
      expect(batchSize(layout)).toBe(1);
    }
    expect(layouts(program).at(-1)!.unused).toEqual({ kind: 'zero' });
  });

  it('lays out the windows of a first convolution so that it needs few rotations', () => {
    const { program } = packed(network);
    const [input] = layouts(program);
    // Every pixel has a place: the four window positions side by side, each with the 4 × 4 outputs.
    const axes = input!.digits.map(({ of }) => of);
    expect(axes.filter((of) => of === 2)).toHaveLength(2);
    expect(axes.filter((of) => of === 3)).toHaveLength(2);
    expect(placementOf(input!).elements.length).toBeGreaterThanOrEqual(64);
  });

  it('gives a stem planes of its window, and later channels every gap that strides left', () => {
    const network = strided(64, [4, 4, 4], [4, 2, 2]);
    const { program } = packed(network);
    const [input, , , second, , last] = layouts(program);
    // 48 window positions, each a plane of 16 × 16 outputs: eight to a ciphertext of 2048 slots.
    expect(input!.digits.filter(({ of, place }) => of === 3 && place === 'slot')).toHaveLength(2);
    expect(placementOf(input!).elements).toHaveLength(3 * 64 * 64);
    expect(input!.ciphertexts).toBe(6);
    // 32 channels of 8 × 8, then 48 of 4 × 4: gaps of 2 × 2, then of 4 × 4, hold them.
    expect([second!.ciphertexts, last!.ciphertexts]).toEqual([1, 1]);
    const counts = checkLowering(fc.constant(network), {}, { runs: 1, seed: 1 });
    expect(counts.get('choose-packing')).toBe(1);
  });

  it('sums parts between the outputs where the input has copies, and bounds what that leaves', () => {
    const dense = writeProgram(({ input, polynomial, dense: layer }) => {
      let x = input([1, 200]);
      x = polynomial(layer(x, 200, 64), [0, 0, 1]);
      x = polynomial(layer(x, 64, 64), [0, 0, 1]);
      return [layer(x, 64, 10)];
    });
    const { program, notes } = packed(dense);
    const chosen = notes.flatMap((note) => (note.kind === 'choice' ? [note.chosen] : []));
    expect(chosen.slice(0, 2)).toEqual([
      'row-major image, copied',
      'row-major, planes padded, spread, summed over 32 parts in between',
    ]);
    const [, first, , , , last] = layouts(program);
    expect([first!.unused.kind, last!.unused.kind]).toEqual(['unknown', 'zero']);
    const lowered: PassNote[] = [];
    lowerLinear.run(program, slotContext({}, ringDegree, lowered));
    const diagonals = lowered.flatMap((note) =>
      note.kind === 'figure' && note.name.endsWith('diagonals') ? [note.value] : [],
    );
    // 200 inputs, 32 of which share a product.
    expect(diagonals[0]).toBe(8);
    const counts = checkLowering(fc.constant(dense), {}, { runs: 4, seed: 1 });
    expect(counts.get('choose-packing')).toBe(4);
  });

  it('leaves nothing between outputs that would have no room', () => {
    const between = (degree: number): string => {
      const { program } = packed(
        writeProgram(({ input, polynomial, dense }) => {
          const x = dense(input([1, 200]), 200, 64);
          const monomial = [...new Array<number>(degree).fill(0), 1];
          return [dense(polynomial(x, monomial), 64, 10)];
        }),
      );
      return layouts(program)[1]!.unused.kind;
    };
    // The level behind it holds the square of what is left, not its sixteenth power.
    expect([between(2), between(16)]).toEqual(['unknown', 'zero']);
    // Behind an output there is no level.
    const { program } = packed(
      writeProgram(({ input, dense }) => [dense(input([1, 200]), 200, 64)]),
    );
    expect(layouts(program).at(-1)!.unused.kind).toBe('zero');
  });

  it('keeps the grid of an image whose rows need several ciphertexts', () => {
    const network = strided(96, [3, 3], [2, 2]);
    const { program, notes } = packed(network);
    const [input, , first] = layouts(program);
    // 96 rows, 128 slots apart, 16 to a ciphertext of 2048 slots; strides halve them.
    const rows = (layout: Layout) =>
      layout.digits
        .filter(({ of }) => of === 2)
        .map(({ size, step, place }) => [place, size, step]);
    expect(rows(input!)).toEqual([
      ['ciphertext', 6, 16],
      ['slot', 16, 1],
    ]);
    expect(rows(first!)).toEqual([
      ['slot', 8, 1],
      ['ciphertext', 6, 8],
    ]);
    const [image, convolution] = notes.filter((note) => note.kind === 'choice');
    expect(image!.chosen).toBe('row-major image, rows padded');
    expect(convolution!.chosen).toContain('grid of the input kept');
    const counts = checkLowering(fc.constant(network), {}, { runs: 1, seed: 1 });
    expect(counts.get('choose-packing')).toBe(1);
  });

  it('sends each pixel once where windows overlap', () => {
    const network = strided(32, [3, 3], [2, 2]);
    const { program, notes } = packed(network);
    const [input] = layouts(program);
    expect(placementOf(input!).elements).toHaveLength(3 * 32 * 32);
    const [image] = notes.filter((note) => note.kind === 'choice');
    expect(image!.chosen).toBe('planes of phases of the stride');
    const counts = checkLowering(fc.constant(network), {}, { runs: 1, seed: 1 });
    expect(counts.get('choose-packing')).toBe(1);
  });

  it('does not take the rows of a filtered image [1, H, W] for channels of a window', () => {
    const filter = writeProgram(({ input, add, random }) => {
      const image = add('nn.reshape', [input([1, 16, 16])], { shape: [1, 1, 16, 16] });
      const edges = add('nn.conv', [image], {
        weights: random([1, 1, 3, 3]),
        bias: null,
        strides: [1, 1],
        dilations: [1, 1],
        pads: [1, 1, 1, 1],
        groups: 1,
      });
      return [add('nn.reshape', [edges], { shape: [1, 16, 16] })];
    });
    const [input] = layouts(packed(filter).program);
    // Row by row, each pixel once in a copy of the image: nothing is repeated for "channels".
    const slotsUsed = placementOf(input!).elements.length;
    expect(input!.ciphertexts).toBe(1);
    expect(input!.digits.filter(({ of }) => of !== 'copy').map(({ of }) => of)).toEqual([1, 2]);
    expect(slotsUsed % (16 * 16)).toBe(0);
  });

  it('puts a batch into the slots, one feature a ciphertext', () => {
    const { program } = packed(network, { batch: 64, packing: 'feature-major' });
    for (const layout of layouts(program)) {
      expect(batchSize(layout)).toBe(64);
      expect(isBatchLayout(layout)).toBe(true);
    }
    expect(layouts(program)[0]!.ciphertexts).toBe(64);
    expect(layouts(program).at(-1)!.ciphertexts).toBe(10);
  });

  it('interleaves the images of a batch: one image in a smaller ring, stretched', () => {
    const one = packed(network, { packing: 'image' });
    for (const batch of [3, 4]) {
      const { program } = packed(network, { batch, packing: 'interleaved' });
      for (const layout of layouts(program)) {
        expect(batchSize(layout)).toBe(batch);
        expect(isBatchLayout(layout)).toBe(false);
        for (const { of, place, stride } of layout.digits) {
          if (place === 'slot') expect(stride % 4).toBe(of === 'batch' ? 1 : 0);
        }
      }
      // It all fits, so a batch of four takes as many ciphertexts as one image; of its input, which
      // may be laid out in another way, no more.
      const [input = 0, ...behind] = layouts(program).map(({ ciphertexts }) => ciphertexts);
      const [inputOfOne = 0, ...behindOne] = layouts(one.program).map((each) => each.ciphertexts);
      expect(input).toBeLessThanOrEqual(inputOfOne);
      expect(behind).toEqual(behindOne);
    }
  });

  it('takes the cheaper of both for a batch: slots for few images, ciphertexts for many', () => {
    const isFeatureMajor = (batch: number): boolean =>
      layouts(packed(network, { batch }).program).every(isBatchLayout);
    expect([2, 8, 2048].map(isFeatureMajor)).toEqual([false, false, true]);
    const seconds = (options: Partial<CompileOptions>): number => {
      const notes = packed(network, { batch: 8, ...options }).notes;
      const note = notes.find((each) => each.kind === 'figure' && each.name === 'modelledSeconds');
      return note?.kind === 'figure' ? note.value : NaN;
    };
    const fixed = (['interleaved', 'feature-major'] as const).map((packing) =>
      seconds({ packing }),
    );
    expect(seconds({})).toBe(Math.min(...fixed));
  });

  it('refuses a packing that cannot hold the batch', () => {
    const code = (options: Partial<CompileOptions>) => errorOf(() => packed(network, options)).code;
    expect(code({ packing: 'image', batch: 2 })).toBe('PARAMETERS_INVALID');
    expect(code({ packing: 'interleaved', batch: 2048 })).toBe('PARAMETERS_INVALID');
  });

  it('moves a summand whose layout differs', () => {
    const { program } = packed(
      writeProgram(({ input, dense, add, polynomial }) => {
        const x = input([1, 16]);
        const y = polynomial(dense(x, 16, 16), [0, 0, 1]);
        return [add('nn.add', [dense(y, 16, 16), x])];
      }),
    );
    for (const { op, operands, type } of program.operations) {
      if (op !== 'packed.add' || type.kind !== 'vector') continue;
      for (const operand of operands) {
        const from = program.operations[operand]!.type;
        expect(from.kind === 'vector' && samePlaces(from.layout, type.layout)).toBe(true);
      }
    }
  });

  it('copies no tiny tensor into billions of choices', () => {
    const tiny = writeProgram(({ input, dense, polynomial }) => {
      const hidden = polynomial(dense(input([1, 4]), 4, 4), [0, 1, 1]);
      return [dense(polynomial(dense(hidden, 4, 4), [0, 1, 1]), 4, 4)];
    });
    const context = slotContext({}, 65536, []);
    const { operations } = choosePacking.run(fuseLinear.run(tiny, context), context);
    const linear = operations.filter(({ op }) => op === 'packed.linear');
    expect(linear).toHaveLength(3);
    for (const { operands, type, attributes } of linear) {
      const input = operations[operands[0]!]!.type;
      if (input.kind !== 'vector' || type.kind !== 'vector') throw new Error('values are vectors');
      const { fold } = methodSchema.parse(attributes.method);
      const output = layoutBeforeFold(type.layout, fold);
      expect(16 * mostCopies(input.layout) * mostCopies(output)).toBeLessThanOrEqual(2 ** 22);
    }
  });

  it('searches however many inputs there are', { timeout: 120_000 }, () => {
    const { program } = packed(
      writeProgram(({ input, dense, add }) => {
        const xs = Array.from({ length: 20 }, (_, k) => input([1, 16], [0, 1], `x${k}`));
        return [xs.map((x) => dense(x, 16, 16)).reduce((a, b) => add('nn.add', [a, b]))];
      }),
    );
    expect(layouts(program)).toHaveLength(program.operations.length);
  });

  // In proportion to its square it would be minutes.
  it('searches a chain of sums in proportion to its length', { timeout: 60_000 }, () => {
    const { program } = packed(
      writeProgram(({ input, add }) => {
        const [x, z] = [input([2, 8], [0, 1], 'x'), input([1, 8], [0, 1], 'z')];
        return [Array.from({ length: 1000 }).reduce<number>((sum) => add('nn.add', [sum, z]), x)];
      }),
    );
    expect(layouts(program)).toHaveLength(program.operations.length);
  });

  it('refuses a batch that the slots do not hold', () => {
    const error = errorOf(() => packed(network, { batch: 4096 }));
    expect(error.code).toBe('PARAMETERS_INFEASIBLE');
    expect(error.details).toMatchObject({ batch: 4096, slots: 2048 });
    expect(error.hint).toContain('--ring-degree 8192');
  });

  it('notes what it chose, among what, at which price', () => {
    const { notes } = packed(network);
    const choices = notes.filter((note) => note.kind === 'choice');
    expect(choices.length).toBeGreaterThan(0);
    for (const { chosen, candidates } of choices) {
      expect(candidates.map(({ name }) => name)).toContain(chosen);
      for (const { seconds } of candidates) expect(seconds).toBeGreaterThanOrEqual(0);
    }
  });

  it('is deterministic', () => {
    expect(packed(network)).toEqual(packed(network));
    expect(opsOf(network)).toHaveLength(5);
  });
});
