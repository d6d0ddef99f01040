import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { programCost } from '../../src/ir/program-cost.ts';
import type { Program } from '../../src/ir/program.ts';
import foldConstants from '../../src/passes/fold-constants.ts';
import fuseLinear from '../../src/passes/fuse-linear.ts';
import lowerPooling from '../../src/passes/lower-pooling.ts';
import { compileOptionsSchema } from '../../src/passes/options.ts';
import { depthOf } from '../../src/passes/packing/depth.ts';
import { runPipeline } from '../../src/passes/pipeline.ts';
import {
  inRow,
  inverse,
  reorderConstant,
  reshapedTo,
  resultShape,
  transposedBy,
  unordered,
} from '../../src/passes/reorderings/reordering.ts';
import type { Reordering } from '../../src/passes/reorderings/reordering.ts';
import sinkReorderings from '../../src/passes/sink-reorderings.ts';
import { runPass } from '../support/pass-context.ts';
import { plainSteps, randomPrograms } from '../support/random-programs.ts';
import { expectSameAnswers } from '../support/same-semantics.ts';
import { opsOf, writeProgram } from '../support/small-programs.ts';
import type { Writer } from '../support/small-programs.ts';

const toNhwc = { permutation: [0, 2, 3, 1] };
const toNchw = { permutation: [0, 3, 1, 2] };

function sunkOps(body: (writer: Writer) => readonly number[]): string[] {
  const before = writeProgram(body);
  const { program } = runPass(sinkReorderings, before);
  expectSameAnswers(before, program, 1, 1e-12);
  return opsOf(program);
}

describe('sink-reorderings', () => {
  it('lets the transpositions around convolutions of an NHWC network vanish', () => {
    const ops = sunkOps(({ input, add, conv, random, polynomial }) => {
      let x = add('nn.transpose', [input([1, 4, 4, 2])], toNchw);
      x = add('nn.transpose', [conv(x, 2, 3)], toNhwc);
      x = add('nn.add-constant', [x], { value: random([3]) });
      x = polynomial(x, [0, 0.5, 0.25]);
      x = conv(add('nn.transpose', [x], toNchw), 3, 2);
      return [x];
    });
    expect(ops).toEqual(['input', 'transpose', 'conv', 'add-constant', 'polynomial', 'conv']);
  });

  it('moves one that would reach the output up to the linear operator before', () => {
    const ops = sunkOps(({ input, conv, add, polynomial, random }) => {
      let x = polynomial(conv(input([1, 2, 4, 4]), 2, 3), [0, 0, 1]);
      x = add('nn.transpose', [x], toNhwc);
      return [add('nn.scale', [x], { factor: random([3]) })];
    });
    expect(ops).toEqual(['input', 'conv', 'transpose', 'polynomial', 'scale']);
  });

  it('moves up through both branches of a sum', () => {
    const ops = sunkOps(({ input, conv, add, polynomial }) => {
      const x = input([1, 2, 4, 4]);
      const sum = add('nn.add', [polynomial(conv(x, 2, 3), [0, 0, 1]), conv(x, 2, 3)]);
      return [add('nn.reshape', [add('nn.transpose', [sum], toNhwc)], { shape: [1, 48] })];
    });
    expect(ops).toEqual([
      ...['input', 'conv', 'transpose', 'reshape', 'polynomial'],
      ...['conv', 'transpose', 'reshape', 'add'],
    ]);
  });

  it('moves down through residual sums and concatenations', () => {
    const ops = sunkOps(({ input, conv, add, polynomial }) => {
      const nhwc = (x: number): number => add('nn.transpose', [x], toNhwc);
      const nchw = (x: number): number => add('nn.transpose', [x], toNchw);
      const x = polynomial(nhwc(conv(nchw(input([1, 4, 4, 2])), 2, 2)), [0, 0, 1]);
      const sum = polynomial(add('nn.add', [x, nhwc(conv(nchw(x), 2, 2))]), [0, 0, 1]);
      const both = polynomial(add('nn.concat', [sum, x], { axis: 3 }), [0, 0, 1]);
      const padded = add('nn.pad', [both], { pads: [0, 1, 0, 0, 0, 0, 1, 0], value: 0 });
      const cut = add('nn.slice', [padded], {
        starts: [0, 1, 0, 1],
        steps: [1, 1, 2, 1],
        shape: [1, 4, 2, 2],
      });
      return [conv(nchw(polynomial(cut, [0, 0, 1])), 2, 1)];
    });
    expect(ops.filter((op) => op === 'transpose')).toHaveLength(1);
  });

  it('gives a sum of two orders one reordering, where a linear operator takes it', () => {
    const ops = sunkOps(({ input, conv, add, polynomial }) => {
      const x = polynomial(conv(input([1, 2, 4, 4]), 2, 2), [0, 0, 1]);
      const moved = add('nn.transpose', [x], { permutation: [0, 1, 3, 2] });
      const sum = polynomial(add('nn.add', [moved, conv(x, 2, 2)]), [0, 0, 1]);
      return [conv(sum, 2, 1)];
    });
    expect(ops).toEqual([
      ...['input', 'conv', 'polynomial', 'conv', 'transpose', 'add', 'polynomial', 'transpose'],
      'conv',
    ]);
  });

  it('leaves programs without reorderings as they are', () => {
    const program = writeProgram(({ input, conv }) => [conv(input([1, 2, 4, 4]), 2, 2)]);
    expect(runPass(sinkReorderings, program).program).toBe(program);
  });

  it('costs no random program a level', () => {
    const steps = [...plainSteps, 'transpose', 'transpose', 'reshape', 'square', 'conv'] as const;
    // Without the passes that look for polynomials, which see more or less of them elsewhere.
    const lowered = (program: Program): Program =>
      [foldConstants, lowerPooling, fuseLinear].reduce(
        (before, pass) => runPass(pass, before).program,
        program,
      );
    let saved = 0;
    fc.assert(
      fc.property(randomPrograms({ steps }, 14), (program) => {
        const without = depthOf(lowered(program));
        const { program: folded } = runPass(foldConstants, program);
        const depth = depthOf(lowered(runPass(sinkReorderings, folded).program));
        expect(depth).toBeLessThanOrEqual(without);
        if (depth < without) saved++;
      }),
      { numRuns: 200, seed: 5 },
    );
    expect(saved).toBeGreaterThan(5);
  });
});

describe('reorderings', () => {
  const shapes = [[1, 2, 3, 4], [2, 1, 12], [24], [4, 3, 2], [1, 4, 1, 6], [2, 2, 3, 2]];
  const reorderings = fc.array(fc.tuple(fc.boolean(), fc.nat()), { maxLength: 6 }).map((steps) =>
    steps.reduce((all, [turn, choice]): Reordering => {
      const shape = resultShape(all);
      if (!turn) return reshapedTo(all, shapes[choice % shapes.length]!);
      const axes = [...shape.keys()];
      const shift = choice % axes.length;
      return transposedBy(all, [...axes.slice(shift), ...axes.slice(0, shift)]);
    }, unordered(shapes[0]!)),
  );
  const numbers = { shape: shapes[0]!, data: Float64Array.from({ length: 24 }, (_, n) => n) };

  it('are undone by their inverse, step by step', () => {
    fc.assert(
      fc.property(reorderings, (order) => {
        expect(inRow(order, inverse(order)).steps).toEqual([]);
        const there = reorderConstant(numbers, order);
        expect(reorderConstant(there, inverse(order)).data).toEqual(numbers.data);
      }),
    );
  });

  it('take axes of one element for nothing', () => {
    const order = transposedBy(unordered([1, 5, 1, 1]), [0, 2, 3, 1]);
    expect(order.steps).toEqual([{ kind: 'reshape', to: [1, 1, 1, 5] }]);
  });
});

/** Weights of a dense layer whose rows stand in another order. */
function rowsMoved(data: readonly number[], columns: number, sources: readonly number[]): number[] {
  return sources.flatMap((row) => data.slice(row * columns, (row + 1) * columns));
}

/** Convolution, square, convolution, square, dense; channels second or last. */
function network(channelsLast: boolean): Program {
  return writeProgram(({ input, conv, add, random, polynomial, constant }) => {
    const nhwc = (x: number): number => (channelsLast ? add('nn.transpose', [x], toNhwc) : x);
    const nchw = (x: number): number => (channelsLast ? add('nn.transpose', [x], toNchw) : x);
    const [height, width, maps] = [8, 8, 4];
    let x = input(channelsLast ? [1, height, width, 3] : [1, 3, height, width], [-1, 1]);
    x = polynomial(nhwc(conv(nchw(x), 3, maps)), [0, 0, 1]);
    x = polynomial(nhwc(conv(nchw(x), maps, maps)), [0, 0, 1]);
    const size = height * width * maps;
    const bound = 1 / size;
    const weights = Array.from({ length: size * 10 }, (_, n) => bound * Math.sin(n));
    const sources = Array.from(
      { length: size },
      (_, n) => (n % maps) * height * width + Math.floor(n / maps),
    );
    x = add('nn.reshape', [x], { shape: [1, size] });
    return [
      add('nn.dense', [x], {
        weights: constant([size, 10], channelsLast ? rowsMoved(weights, 10, sources) : weights),
        bias: random([10]),
      }),
    ];
  });
}

/** The same with an image as its result. */
function imageToImage(channelsLast: boolean): Program {
  return writeProgram(({ input, conv, add, polynomial }) => {
    let x = input(channelsLast ? [1, 8, 8, 3] : [1, 3, 8, 8], [-1, 1]);
    if (channelsLast) x = add('nn.transpose', [x], toNchw);
    x = conv(polynomial(conv(x, 3, 4), [0, 0, 1]), 4, 2);
    return [channelsLast ? add('nn.transpose', [x], toNhwc) : x];
  });
}

describe.each([
  ['to classes', network],
  ['to an image', imageToImage],
])('an NHWC network %s', (_title, build) => {
  it('costs exactly what the NCHW one does', () => {
    const [first, last] = [build(false), build(true)].map((program) => {
      const { program: compiled, ringDegree } = runPipeline(program, {
        options: compileOptionsSchema.parse({}),
        calibration: null,
        warn: () => undefined,
        verifyEach: true,
      });
      return {
        ringDegree,
        levels: compiled.modulus?.primes.length,
        cost: programCost(compiled),
        ops: opsOf(compiled),
      };
    });
    expect(last).toEqual(first);
  });
});
