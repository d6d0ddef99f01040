import { describe, expect, it } from 'vitest';
import { CipherloomError } from '../../src/errors.ts';
import { entryCount } from '../../src/ir/linear-map.ts';
import type { LinearMap } from '../../src/ir/linear-map.ts';
import type { Program } from '../../src/ir/program.ts';
import fuseLinear from '../../src/passes/fuse-linear.ts';
import { affineOfOperation } from '../../src/passes/linear/affine-form.ts';
import { depthOf } from '../../src/passes/packing/depth.ts';
import { randomSource } from '../support/random.ts';
import { runPass } from '../support/pass-context.ts';
import { randomInputs, runClear } from '../support/random-programs.ts';
import { expectSameAnswers } from '../support/same-semantics.ts';
import { opsOf, polynomialsOf, writeProgram } from '../support/small-programs.ts';
import type { Writer } from '../support/small-programs.ts';

function fused(body: (writer: Writer) => readonly number[], seed = 1): Program {
  const before = writeProgram(body, seed);
  const { program } = runPass(fuseLinear, before);
  expectSameAnswers(before, program, 1, 2e-6);
  return program;
}

/** The matrices of every linear operation, in order. */
function mapsOf(program: Program): LinearMap[] {
  return program.operations.flatMap((operation) =>
    operation.op === 'nn.linear' ? [...affineOfOperation(program, operation)!.maps] : [],
  );
}

const square = [0, 0, 1];

describe('fuse-linear', () => {
  it('composes a run of linear operators into one matrix', () => {
    const program = fused(({ input, conv, add, dense, constant }) => {
      const x = conv(input([1, 1, 6, 6]), 1, 2);
      const pooled = add('nn.average-pool', [x], {
        kernelShape: [2, 2],
        strides: [2, 2],
        dilations: [1, 1],
        pads: [0, 0, 0, 0],
        ceilMode: false,
        countIncludePad: false,
      });
      const turned = add('nn.transpose', [pooled], { permutation: [0, 2, 3, 1] });
      const flat = add('nn.reshape', [turned], { shape: [1, 18] });
      const scaled = add('nn.scale', [flat], { factor: constant([], [0.5]) });
      return [dense(add('nn.negate', [scaled]), 18, 3)];
    });
    expect(opsOf(program)).toEqual(['input', 'linear']);
    expect(mapsOf(program).map(entryCount)).toEqual([36 * 3]);
  });

  it('repeats a value once for all readers of one shape', () => {
    const program = fused(({ input, add }) => {
      const x = input([1, 2, 4]);
      const row = input([4], [0, 1], 'row');
      const sum = add('nn.add', [add('nn.mul', [x, row]), row]);
      return [add('nn.add', [add('nn.mul', [sum, row]), add('nn.mul', [row, row])])];
    });
    expect(opsOf(program).filter((op) => op === 'linear')).toHaveLength(2);
  });

  it('keeps the segments of a convolution through batch normalisation, reshape and scale', () => {
    const program = fused(({ input, conv, add, random, constant }) => {
      const x = conv(input([1, 1, 8, 8]), 1, 4);
      const normal = add('nn.batch-norm', [x], {
        scale: random([4], 0.5, 2),
        bias: random([4]),
        mean: random([4]),
        variance: random([4], 0.5, 2),
        epsilon: 1e-5,
      });
      const scaled = add('nn.scale', [normal], { factor: constant([4, 1, 1], [1, -2, 3, 0.1]) });
      return [add('nn.reshape', [scaled], { shape: [1, 256] })];
    });
    const [map] = mapsOf(program);
    // One segment a kernel position, one weight a kernel element: the matrix is not written out.
    expect(map!.segments.length).toBe(9);
    expect(map!.weights.length).toBe(36);
  });

  it('composes a batch normalisation in front of a padded convolution exactly', () => {
    const body = ({ input, conv, add, random }: Writer): readonly number[] => {
      const x = input([1, 2, 5, 5]);
      const normal = add('nn.batch-norm', [x], {
        scale: random([2], 0.5, 2),
        bias: random([2], 1, 2),
        mean: random([2]),
        variance: random([2], 0.5, 2),
        epsilon: 0,
      });
      return [conv(normal, 2, 2)];
    };
    const program = fused(body);
    expect(opsOf(program)).toEqual(['input', 'linear']);
    // The offset reaches fewer kernel elements at the border than inside: no per-channel bias would do.
    const before = writeProgram(body);
    const inputs = randomInputs(before, randomSource(5));
    const [want, got] = [before, program].map((of) => runClear(of, inputs).outputs.get('y0')!);
    expect(Math.max(...want!.map((x, n) => Math.abs(x - got![n]!)))).toBeLessThan(1e-6);
  });

  it('copies a selection into each reader and keeps one matrix that several read', () => {
    const program = fused(({ input, dense, polynomial, add }) => {
      const x = add('nn.reshape', [polynomial(input([1, 2, 2]), square)], { shape: [1, 4] });
      const y = dense(x, 4, 3);
      return [dense(x, 4, 2), dense(y, 3, 2), polynomial(y, square)];
    });
    // y is read twice: it is one matrix, read by a dense layer and a square.
    expect(opsOf(program)).toEqual([
      'input',
      'polynomial',
      'linear',
      'polynomial',
      'linear',
      'linear',
    ]);
    expect(program.operations[2]!.operands).toEqual([1]);
  });

  it('splices the operands of a concatenation', () => {
    const program = fused(({ input, dense, polynomial, add }) => {
      const x = input([1, 4]);
      const parts = [dense(x, 4, 3), polynomial(x, square)];
      return [dense(add('nn.concat', parts, { axis: 1 }), 7, 2)];
    });
    expect(opsOf(program)).toEqual(['input', 'polynomial', 'linear']);
    expect(program.operations[2]!.operands).toEqual([0, 1]);
  });

  it('adds the matrices of two paths from one value', () => {
    const program = fused(({ input, dense, add }) => {
      const x = input([1, 4]);
      return [add('nn.sub', [dense(x, 4, 4), x])];
    });
    expect(opsOf(program)).toEqual(['input', 'linear']);
    expect(program.operations[1]!.operands).toEqual([0]);
    // The identity falls on entries that are there: none twice.
    expect(mapsOf(program).map(entryCount)).toEqual([16]);
  });

  it('leaves a value out that cancels', () => {
    const program = fused(({ input, dense, add }) => {
      const [x, z] = [input([1, 4], [0, 1], 'x'), input([1, 4], [0, 1], 'z')];
      const sum = add('nn.add', [dense(x, 4, 4), z]);
      return [add('nn.sub', [sum, z])];
    });
    const linear = program.operations.find(({ op }) => op === 'nn.linear')!;
    expect(linear.operands).toEqual([0]);
  });

  it('keeps a sum of two nonlinear values, and moves offsets behind it', () => {
    const program = fused(({ input, dense, polynomial, add, constant }) => {
      const x = input([1, 4]);
      const [a, b] = [polynomial(x, square), polynomial(x, [0, 0, 0, 1])];
      const shifted = add('nn.add-constant', [a], { value: constant([4], [1, 2, 3, 4]) });
      return [dense(add('nn.sub', [b, shifted]), 4, 2)];
    });
    expect(opsOf(program)).toEqual(['input', 'polynomial', 'polynomial', 'sub', 'linear']);
  });

  it('makes factors and offsets without a linear neighbour polynomials of degree 1', () => {
    const program = fused(({ input, add, constant }) => {
      const x = input([1, 2, 2]);
      const scaled = add('nn.scale', [x], { factor: constant([2, 1], [2, 3]) });
      const shifted = add('nn.add-constant', [x], { value: constant([], [0.5]) });
      return [add('nn.mul', [scaled, shifted])];
    });
    expect(opsOf(program)).toEqual(['input', 'polynomial', 'polynomial', 'mul']);
    expect(polynomialsOf(program)).toEqual([
      { shape: [2, 2, 1], data: [0, 0, 2, 3] },
      { shape: [2], data: [0.5, 1] },
    ]);
    // An offset costs no level.
    expect(depthOf(program)).toBe(2);
  });

  it('drops identities', () => {
    const program = fused(({ input, add, polynomial, constant }) => {
      const x = add('nn.identity', [polynomial(input([1, 4]), square)]);
      const back = add('nn.negate', [add('nn.negate', [x])]);
      return [add('nn.scale', [back], { factor: constant([], [1]) })];
    });
    expect(opsOf(program)).toEqual(['input', 'polynomial']);
  });

  it('repeats the operand of a product by a matrix', () => {
    const program = fused(({ input, add }) => {
      const x = input([1, 2, 3], [0, 1], 'x');
      const y = input([1, 2, 1], [0, 1], 'y');
      return [add('nn.mul', [x, y])];
    });
    expect(opsOf(program)).toEqual(['input', 'input', 'linear', 'mul']);
  });

  it('does not compose what would grow beyond its bounds', () => {
    // 2,900 → 2 → 2,900 would make 8.4 million entries of 11,600.
    const program = fused(({ input, dense }) => [dense(dense(input([1, 2900]), 2900, 2), 2, 2900)]);
    expect(opsOf(program)).toEqual(['input', 'linear', 'linear']);
  });

  it('keeps ranges that were stated', () => {
    const before = writeProgram(({ input, dense, add, constant }) => [
      add('nn.scale', [dense(input([1, 4]), 4, 2)], { factor: constant([], [2]) }),
    ]);
    const range = { lo: -0.25, hi: 0.5, source: 'calibrated' } as const;
    const operations = before.operations.map((operation) =>
      operation.op === 'nn.scale'
        ? { ...operation, type: { ...operation.type, range } }
        : operation,
    );
    const { program } = runPass(fuseLinear, { ...before, operations });
    expect(program.operations.at(-1)!.type.range).toEqual(range);
  });

  it('lists every operator that is neither linear nor polynomial', () => {
    const before = writeProgram(({ input, add }) => {
      const x = add('nn.activation', [input([1, 4])], { function: 'relu', parameters: {} });
      return [add('nn.softmax', [x], { axis: 1 })];
    });
    expect(() => runPass(fuseLinear, before)).toThrow(CipherloomError);
    try {
      runPass(fuseLinear, before);
    } catch (error) {
      expect(error).toMatchObject({
        code: 'MODEL_UNSUPPORTED',
        details: {
          nodes: [
            expect.objectContaining({ name: 'activation0', operator: 'nn.activation' }),
            expect.objectContaining({ name: 'softmax1', operator: 'nn.softmax' }),
          ],
        },
      });
    }
  });
});
