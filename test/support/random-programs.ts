/** Random small nn programs: what the semantics tests of the passes run before and after. */
import fc from 'fast-check';
import { buildProgram } from '../../src/ir/build.ts';
import type { ProgramBuilder } from '../../src/ir/build.ts';
import type { Value } from '../../src/ir/define-op.ts';
import { interpret } from '../../src/ir/interpret.ts';
import type { Attributes, Program, ValueId } from '../../src/ir/program.ts';
import { magnitude, sameShape, shapeOf } from '../../src/ir/types.ts';
import { textOf } from '../../src/ir/attribute-values.ts';
import { givenInputs } from '../../src/ir/public-values.ts';
import { elementCount } from '../../src/layout/layout.ts';
import { randomSource, randomValues } from './random.ts';

export interface RandomProgramOptions {
  /** Operators drawn from, by name of the table below. */
  readonly steps: readonly StepName[];
  /** A softmax, log softmax or arg max behind some outputs. */
  readonly tails?: boolean;
  /** Two inputs always, and not now and then. */
  readonly twoInputs?: boolean;
}

interface Draw {
  readonly builder: ProgramBuilder;
  readonly random: () => number;
  /** Values made so far. */
  readonly values: readonly ValueId[];
  readonly integer: (lo: number, hi: number) => number;
  readonly pick: <T>(list: readonly T[]) => T;
  readonly constant: (shape: readonly number[], lo?: number, hi?: number) => string;
  readonly add: (op: string, operands: readonly ValueId[], attributes: Attributes) => ValueId;
  readonly shape: (value: ValueId) => readonly number[];
  /** Largest magnitude of a value, by its proved range. */
  readonly size: (value: ValueId) => number;
}

/** Adds operations behind x, or returns null where none of its kind fits. */
type Step = (draw: Draw, x: ValueId) => ValueId | null;

/** Largest magnitude a nonlinear operator takes: powers of more would drown the rest. */
const tame = 6;

/** A shape that broadcasts to another: some extents replaced by one, leading ones left out. */
function broadcastable({ integer, random }: Draw, shape: readonly number[]): number[] {
  const own = shape.map((extent) => (random() < 0.5 ? 1 : extent));
  return own.slice(integer(0, shape.length - 1));
}

function elementwise(op: string, attribute: string): Step {
  return (draw, x) => {
    const constant = draw.constant(broadcastable(draw, draw.shape(x)), -1.5, 1.5);
    return draw.add(op, [x], { [attribute]: constant });
  };
}

function pair(op: string): Step {
  return (draw, x) => {
    const { values, shape, size, pick, add } = draw;
    const fits = values.filter(
      (value) => sameShape(shape(value), shape(x)) && (op !== 'nn.mul' || size(value) <= tame),
    );
    if (fits.length === 0 || (op === 'nn.mul' && size(x) > tame)) return null;
    const other = pick(fits);
    return add(op, draw.random() < 0.5 ? [x, other] : [other, x], {});
  };
}

/** Strides, dilations and pads that leave at least one position. */
function windowOf(
  { integer }: Draw,
  spatial: readonly number[],
  kernel: readonly number[],
): Attributes {
  const dilations = kernel.map((extent, k) =>
    integer(0, 3) === 0 && 2 * extent <= spatial[k]! ? 2 : 1,
  );
  const pads = kernel.map((extent) => integer(0, extent - 1));
  return {
    strides: kernel.map(() => integer(1, 2)),
    dilations,
    pads: [...pads, ...pads.map((pad) => integer(0, pad))],
  };
}

function kernelOf({ integer }: Draw, spatial: readonly number[]): number[] {
  return spatial.map((extent) => integer(1, Math.min(3, extent)));
}

function pool(op: string, own: (draw: Draw) => Attributes): Step {
  return (draw, x) => {
    const [, , ...spatial] = draw.shape(x);
    if (spatial.length !== 2) return null;
    const kernelShape = kernelOf(draw, spatial);
    const window = { ...windowOf(draw, spatial, kernelShape), dilations: [1, 1] };
    const ceilMode = draw.integer(0, 2) === 0;
    return draw.add(op, [x], { kernelShape, ...window, ceilMode, ...own(draw) });
  };
}

const steps = {
  activation: (draw, x) => {
    if (draw.size(x) > 4 * tame) return null;
    const name = draw.pick(['relu', 'leakyRelu', 'sigmoid', 'tanh']);
    const parameters: Attributes = name === 'leakyRelu' ? { slope: 0.125 } : {};
    return draw.add('nn.activation', [x], { function: name, parameters });
  },
  add: pair('nn.add'),
  addConstant: elementwise('nn.add-constant', 'value'),
  averagePool: pool('nn.average-pool', ({ integer }) => ({ countIncludePad: integer(0, 1) === 1 })),
  batchNorm: (draw, x) => {
    const [, channels, ...rest] = draw.shape(x);
    if (channels === undefined || rest.length > 2) return null;
    return draw.add('nn.batch-norm', [x], {
      scale: draw.constant([channels], -1.5, 1.5),
      bias: draw.constant([channels]),
      mean: draw.constant([channels]),
      variance: draw.constant([channels], 0.25, 2),
      epsilon: 1e-5,
    });
  },
  concat: (draw, x) => {
    const shape = draw.shape(x);
    if (elementCount(shape) > 60) return null;
    const axis = draw.integer(1, shape.length - 1);
    const fits = draw.values.filter((value) => {
      const other = draw.shape(value);
      return (
        other.length === shape.length &&
        other.every((extent, k) => k === axis || extent === shape[k])
      );
    });
    return draw.add('nn.concat', [x, ...(fits.length > 0 ? [draw.pick(fits)] : [])], { axis });
  },
  conv: (draw, x) => {
    const [, channels, ...spatial] = draw.shape(x);
    if (channels === undefined || spatial.length !== 2) return null;
    const kernel = kernelOf(draw, spatial);
    const groups = draw.random() < 0.3 ? channels : 1;
    const maps = groups * draw.integer(1, groups > 1 ? 2 : 3);
    const bound = 1.5 / Math.sqrt((channels / groups) * elementCount(kernel));
    return draw.add('nn.conv', [x], {
      weights: draw.constant([maps, channels / groups, ...kernel], -bound, bound),
      bias: draw.random() < 0.7 ? draw.constant([maps]) : null,
      ...windowOf(draw, spatial, kernel),
      groups,
    });
  },
  dense: (draw, x) => {
    const k = draw.shape(x).at(-1) ?? 1;
    const n = draw.integer(1, 5);
    const bound = 1.5 / Math.sqrt(k);
    return draw.add('nn.dense', [x], {
      weights: draw.constant([k, n], -bound, bound),
      bias: draw.random() < 0.7 ? draw.constant([n]) : null,
    });
  },
  identity: (draw, x) => draw.add('nn.identity', [x], {}),
  maxPool: pool('nn.max-pool', () => ({})),
  mul: pair('nn.mul'),
  negate: (draw, x) => draw.add('nn.negate', [x], {}),
  pad: (draw, x) => {
    const shape = draw.shape(x);
    if (elementCount(shape) > 60) return null;
    const pads = [...shape, ...shape].map((_, k) =>
      k % shape.length === 0 ? 0 : draw.integer(0, 1),
    );
    return draw.add('nn.pad', [x], { pads, value: draw.random() < 0.5 ? 0 : 0.75 });
  },
  polynomial: (draw, x) => {
    if (draw.size(x) > tame) return null;
    const degree = draw.integer(1, 4);
    const coefficients = draw.constant([degree + 1, ...broadcastable(draw, draw.shape(x))]);
    return draw.add('nn.polynomial', [x], { coefficients });
  },
  reduceMean: (draw, x) => {
    const shape = draw.shape(x);
    if (shape.length < 3) return null;
    const axes = [shape.length - 1, ...(draw.random() < 0.5 ? [shape.length - 2] : [])];
    return draw.add('nn.reduce-mean', [x], { axes, keepDims: draw.random() < 0.5 });
  },
  reshape: (draw, x) => {
    const shape = draw.shape(x);
    const flat = elementCount(shape.slice(1));
    const even =
      flat % 2 === 0
        ? [
            [1, 2, flat / 2],
            [1, flat / 2, 2, 1],
          ]
        : [];
    return draw.add('nn.reshape', [x], { shape: draw.pick([[1, flat], [...shape], ...even]) });
  },
  scale: elementwise('nn.scale', 'factor'),
  slice: (draw, x) => {
    const shape = draw.shape(x);
    const kept = shape.map((extent, k) => (k === 0 ? extent : draw.integer(1, extent)));
    const starts = shape.map((extent, k) => draw.integer(0, extent - kept[k]!));
    return draw.add('nn.slice', [x], { starts, steps: shape.map(() => 1), shape: kept });
  },
  square: (draw, x) => (draw.size(x) > tame ? null : draw.add('nn.mul', [x, x], {})),
  sub: pair('nn.sub'),
  transpose: (draw, x) => {
    const axes = draw.shape(x).map((_, k) => k);
    const inner = axes.slice(1);
    const shift = draw.integer(0, inner.length - 1);
    return draw.add('nn.transpose', [x], {
      permutation: [0, ...inner.slice(shift), ...inner.slice(0, shift)],
    });
  },
} as const satisfies Record<string, Step>;

export type StepName = keyof typeof steps;

/** Every step that has a matrix. */
export const linearSteps: readonly StepName[] = [
  'add', 'addConstant', 'averagePool', 'batchNorm', 'concat', 'conv', 'dense', 'identity', 'negate', 'pad',
  'reduceMean', 'reshape', 'scale', 'slice', 'sub', 'transpose',
]; // prettier-ignore

export const polynomialSteps: readonly StepName[] = ['mul', 'polynomial', 'square'];

/** What models hold before the nn passes, activations and max pools apart. */
export const plainSteps: readonly StepName[] = [
  ...linearSteps,
  ...polynomialSteps,
  ...polynomialSteps,
];

/** A program of about `length` random operations. */
export function randomProgram(
  seed: number,
  length: number,
  options: RandomProgramOptions,
): Program {
  const random = randomSource(seed);
  const builder = buildProgram(`random-${seed}`);
  const values: ValueId[] = [];
  let node = 0;
  const draw: Draw = {
    builder,
    random,
    values,
    integer: (lo, hi) => lo + Math.floor(random() * (hi - lo + 1)),
    pick: (list) => list[Math.floor(random() * list.length)]!,
    constant: (shape, lo = -1, hi = 1) =>
      builder.constant({ shape, data: randomValues(random, elementCount(shape), lo, hi) }, 'c'),
    add: (op, operands, attributes) =>
      builder.add(op, operands, attributes, { location: `n${node++}` }),
    shape: (value) => shapeOf(builder.typeOf(value)),
    size: (value) => magnitude(builder.typeOf(value).range),
  };
  const inputs = random() < 0.2 || options.twoInputs === true ? 2 : 1;
  const inputShape = draw.pick([
    [1, 2, 4, 4],
    [1, 1, 5, 5],
    [1, 3, 3, 4],
    [1, 6],
    [1, 8],
  ]);
  for (let k = 0; k < inputs; k++) {
    const attributes = { name: `x${k}`, shape: inputShape, range: [draw.pick([-1, 0]), 1] };
    values.push(builder.add('nn.input', [], attributes, { location: `x${k}` }));
  }
  for (let n = 0; n < length; n++) {
    const x = random() < 0.7 ? values.at(-1)! : draw.pick(values);
    // A value may be too wild for the step, or of the wrong rank: then this step is left out.
    const value = steps[draw.pick(options.steps)](draw, x);
    if (value !== null) values.push(value);
  }
  const ends = [values.at(-1)!, ...(random() < 0.2 ? [draw.pick(values)] : [])];
  const outputs = ends.map((end, k) => ({
    name: `y${k}`,
    value: options.tails === true ? tailed(draw, end) : end,
    postprocess: [],
  }));
  return builder.finish(outputs);
}

function tailed(draw: Draw, end: ValueId): ValueId {
  const axis = draw.shape(end).length - 1;
  let value = end;
  if (draw.random() < 0.6)
    value = draw.add(draw.pick(['nn.softmax', 'nn.log-softmax']), [value], { axis });
  if (draw.random() < 0.5)
    value = draw.add('nn.arg-max', [value], { axis, keepDims: draw.random() < 0.5 });
  return value;
}

/** Random programs as a fast-check arbitrary; it shrinks to fewer operations. */
export function randomPrograms(options: RandomProgramOptions, longest = 10): fc.Arbitrary<Program> {
  return fc
    .record({ seed: fc.nat(), length: fc.integer({ min: 1, max: longest }) })
    .map(({ seed, length }) => randomProgram(seed, length, options));
}

/** Random inputs inside the declared ranges. */
export function randomInputs(program: Program, random: () => number): Map<string, Value> {
  return new Map(
    givenInputs(program).map((input) => {
      const { type } = input;
      const shape = shapeOf(type);
      const data = randomValues(
        random,
        elementCount(shape),
        type.range?.lo ?? 0,
        type.range?.hi ?? 1,
      );
      return [textOf(input, 'name'), { kind: 'tensor', tensor: { shape, data } }];
    }),
  );
}

export interface Run {
  readonly outputs: ReadonlyMap<string, Float64Array>;
  /** Largest magnitude of any value on the way: what errors are relative to. */
  readonly largest: number;
}

/** Run a program in the clear. */
export function runClear(program: Program, inputs: ReadonlyMap<string, Value>): Run {
  let largest = 0;
  const results = interpret(program, inputs, {
    observe: (_, __, value) => {
      if (value.kind === 'tensor')
        for (const x of value.tensor.data) largest = Math.max(largest, Math.abs(x));
    },
  });
  const outputs = new Map(
    [...results].map(([name, value]) => [
      name,
      value.kind === 'tensor' ? value.tensor.data : new Float64Array(),
    ]),
  );
  return { outputs, largest };
}
