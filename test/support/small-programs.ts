/** Writing small nn programs by hand. */
import { buildProgram } from '../../src/ir/build.ts';
import type { Attributes, Program, ValueId } from '../../src/ir/program.ts';
import { constantOf } from '../../src/ir/program.ts';
import { elementCount } from '../../src/layout/layout.ts';
import { randomSource, randomValues } from './random.ts';

export interface Writer {
  readonly input: (
    shape: readonly number[],
    range?: readonly [number, number],
    name?: string,
  ) => ValueId;
  readonly add: (op: string, operands: readonly ValueId[], attributes?: Attributes) => ValueId;
  readonly constant: (shape: readonly number[], data: readonly number[]) => string;
  /** A constant of random elements in [lo, hi]. */
  readonly random: (shape: readonly number[], lo?: number, hi?: number) => string;
  /** A dense layer of random weights. */
  readonly dense: (x: ValueId, k: number, n: number) => ValueId;
  /** A convolution of random weights, kernel 3, padding 1. */
  readonly conv: (x: ValueId, channels: number, maps: number) => ValueId;
  /** A polynomial with one coefficient a power, constant term first. */
  readonly polynomial: (x: ValueId, coefficients: readonly number[]) => ValueId;
}

/** Write a program; `body` returns its outputs, named y0, y1, … */
export function writeProgram(body: (writer: Writer) => readonly ValueId[], seed = 1): Program {
  const builder = buildProgram('small');
  const source = randomSource(seed);
  let node = 0;
  const add: Writer['add'] = (op, operands, attributes = {}) =>
    builder.add(op, operands, attributes, { location: `${op.replace('nn.', '')}${node++}` });
  const constant: Writer['constant'] = (shape, data) =>
    builder.constant({ shape, data: Float64Array.from(data) }, 'c');
  const random: Writer['random'] = (shape, lo = -1, hi = 1) =>
    constant(shape, [...randomValues(source, elementCount(shape), lo, hi)]);
  const outputs = body({
    add,
    constant,
    random,
    input: (shape, range = [0, 1], name = 'x') =>
      builder.add('nn.input', [], { name, shape, range }, { location: name }),
    dense: (x, k, n) => add('nn.dense', [x], { weights: random([k, n]), bias: random([n]) }),
    conv: (x, channels, maps) =>
      add('nn.conv', [x], {
        weights: random([maps, channels, 3, 3], -0.3, 0.3),
        bias: random([maps]),
        strides: [1, 1],
        dilations: [1, 1],
        pads: [1, 1, 1, 1],
        groups: 1,
      }),
    polynomial: (x, coefficients) =>
      add('nn.polynomial', [x], { coefficients: constant([coefficients.length], coefficients) }),
  });
  return builder.finish(outputs.map((value, k) => ({ name: `y${k}`, value, postprocess: [] })));
}

/** The operators of a program in order, without the dialect. */
export function opsOf(program: Program): string[] {
  return program.operations.map(({ op }) => op.replace('nn.', ''));
}

/** The coefficients of every polynomial of a program, in order. */
export function polynomialsOf(program: Program): { shape: readonly number[]; data: number[] }[] {
  return program.operations.flatMap(({ op, attributes }) => {
    const { coefficients } = attributes;
    if (op !== 'nn.polynomial' || typeof coefficients !== 'string') return [];
    const { shape, data } = constantOf(program.constants, coefficients);
    return [{ shape, data: [...data] }];
  });
}
