/** Random well-formed uses of every nn operator: shapes, attributes and constants that fit. */
import { invariant } from '../../../src/errors.ts';
import { activationFunction, activationNames } from '../../../src/ir/nn/activation-functions.ts';
import { elementCount } from '../../../src/layout/layout.ts';
import type { Attributes } from '../../../src/ir/program.ts';
import { tensor } from '../../../src/ir/tensor.ts';
import type { Tensor } from '../../../src/ir/tensor.ts';
import { randomValues } from '../../support/random.ts';

export interface Sample {
  readonly operands: readonly (readonly number[])[];
  readonly attributes: Attributes;
  readonly constants: ReadonlyMap<string, Tensor>;
}

type Random = () => number;

/** An integer in [lo, hi]. */
function pick(random: Random, lo: number, hi: number): number {
  return lo + Math.floor(random() * (hi - lo + 1));
}

function list(random: Random, count: number, lo: number, hi: number): number[] {
  return Array.from({ length: count }, () => pick(random, lo, hi));
}

function shapeOf(random: Random, rank = pick(random, 1, 4)): number[] {
  return list(random, rank, 1, 4);
}

function sample(
  operands: readonly (readonly number[])[],
  attributes: Attributes = {},
  constants: Readonly<Record<string, Tensor>> = {},
): Sample {
  return { operands, attributes, constants: new Map(Object.entries(constants)) };
}

function values(random: Random, shape: readonly number[]): Tensor {
  return tensor(shape, randomValues(random, elementCount(shape), -2, 2));
}

/** Some axes of a shape made 1 or dropped in front, so that it broadcasts to the shape. */
function narrower(random: Random, shape: readonly number[]): number[] {
  return shape.slice(pick(random, 0, shape.length - 1)).map((n) => (random() < 0.4 ? 1 : n));
}

/** A window that fits [batch, channels, spatial…] and has input in each of its places. */
function window(random: Random, rank: number) {
  const kernel = list(random, rank, 1, 3);
  const dilations = list(random, rank, 1, 2);
  const strides = list(random, rank, 1, 3);
  const half = kernel.map((k) => pick(random, 0, k - 1 > 0 ? 1 : 0));
  const behind = kernel.map((k) => pick(random, 0, k - 1 > 0 ? 1 : 0));
  const spatial = kernel.map((k, axis) => dilations[axis]! * (k - 1) + pick(random, 1, 5));
  return { kernel, spatial, strides, dilations, pads: [...half, ...behind] };
}

function pool(random: Random): { operand: number[]; attributes: Attributes } {
  const rank = pick(random, 1, 3);
  const { kernel, spatial, ...rest } = window(random, rank);
  return {
    operand: [pick(random, 1, 2), pick(random, 1, 3), ...spatial],
    attributes: { kernelShape: kernel, ...rest, ceilMode: random() < 0.5 },
  };
}

/** Activations that every real number has a value of. */
const everywhere = activationNames.filter((name) => activationFunction(name).domain === undefined);

export const samples: Readonly<Record<string, (random: Random) => Sample>> = {
  'nn.activation': (random) => {
    const shape = shapeOf(random);
    const name = everywhere[pick(random, 0, everywhere.length - 1)]!;
    const names = Object.keys(activationFunction(name).parameters);
    const constants: Record<string, Tensor> = {};
    const parameters = names.map((key, k): [string, number | string] => {
      const nonzero = (pick(random, 0, 3) - 1.5) / 2;
      // A negative half-width of a dead zone would mean nothing.
      if (key === 'lambda') return [key, Math.abs(nonzero)];
      // Only the slopes of PReLU come by channel or element.
      if (key !== 'slope' || random() < 0.5) return [key, nonzero];
      constants[`p${k}`] = values(random, narrower(random, shape));
      return [key, `@p${k}`];
    });
    return sample(
      [shape],
      { function: name, parameters: Object.fromEntries(parameters) },
      constants,
    );
  },
  'nn.add': (random) => {
    const shape = shapeOf(random);
    const pair = [shape, narrower(random, shape)];
    return sample(random() < 0.5 ? pair : pair.reverse());
  },
  'nn.add-constant': (random) => {
    const shape = shapeOf(random);
    const [x, value] =
      random() < 0.7 ? [shape, narrower(random, shape)] : [narrower(random, shape), shape];
    return sample([x], { value: '@v' }, { v: values(random, value) });
  },
  'nn.arg-max': (random) => {
    const shape = shapeOf(random);
    return sample([shape], { axis: pick(random, 0, shape.length - 1), keepDims: random() < 0.5 });
  },
  'nn.arg-min': (random) => {
    const shape = shapeOf(random);
    return sample([shape], { axis: pick(random, 0, shape.length - 1), keepDims: random() < 0.5 });
  },
  'nn.average-pool': (random) => {
    const { operand, attributes } = pool(random);
    return sample([operand], { ...attributes, countIncludePad: random() < 0.5 });
  },
  'nn.batch-norm': (random) => {
    const shape = shapeOf(random, pick(random, 2, 4));
    const channels = [shape[1]!];
    return sample(
      [shape],
      { scale: '@s', bias: '@b', mean: '@m', variance: '@v', epsilon: 1e-3 },
      {
        s: values(random, channels),
        b: values(random, channels),
        m: values(random, channels),
        v: tensor(channels, randomValues(random, channels[0]!, 0, 3)),
      },
    );
  },
  'nn.composite': (random) =>
    sample([shapeOf(random)], {
      steps: [
        { polynomial: [pick(random, -1, 1), 0.5, 0, 0.25], of: 0 },
        { apply: pick(random, 0, 1) === 0 ? 'sigmoid' : 'cos', parameters: {}, to: 1 },
        { combine: 'multiply', of: [pick(random, 0, 2), 2] },
        {
          combine: pick(random, 0, 1) === 0 ? 'add' : 'subtract',
          of: [pick(random, 0, 3), pick(random, 0, 3)],
        },
      ],
    }),
  'nn.concat': (random) => {
    const shape = shapeOf(random);
    const axis = pick(random, 0, shape.length - 1);
    const parts = Array.from({ length: pick(random, 1, 3) }, () =>
      shape.with(axis, pick(random, 1, 3)),
    );
    return sample(parts, { axis });
  },
  'nn.conv': (random) => {
    const { kernel, spatial, ...rest } = window(random, pick(random, 1, 3));
    const groups = pick(random, 1, 2);
    const [groupChannels, groupMaps] = [pick(random, 1, 2), pick(random, 1, 3)];
    const weights = values(random, [groups * groupMaps, groupChannels, ...kernel]);
    const bias = random() < 0.5 ? '@b' : null;
    const constants = { w: weights, b: values(random, [groups * groupMaps]) };
    return sample(
      [[pick(random, 1, 2), groups * groupChannels, ...spatial]],
      { weights: '@w', bias, groups, ...rest },
      constants,
    );
  },
  'nn.dense': (random) => {
    const shape = shapeOf(random);
    const [k, n] = [shape.at(-1)!, pick(random, 1, 4)];
    const bias = random() < 0.5 ? '@b' : null;
    const constants = { w: values(random, [k, n]), b: values(random, [n]) };
    return sample([shape], { weights: '@w', bias }, constants);
  },
  'nn.hardmax': (random) => {
    const shape = shapeOf(random);
    return sample([shape], { axis: pick(random, 0, shape.length - 1) });
  },
  'nn.identity': (random) => sample([shapeOf(random)]),
  'nn.log-softmax': (random) => {
    const shape = shapeOf(random);
    return sample([shape], { axis: pick(random, 0, shape.length - 1) });
  },
  'nn.max-pool': (random) => {
    const { operand, attributes } = pool(random);
    return sample([operand], attributes);
  },
  'nn.mul': (random) => {
    const shape = shapeOf(random);
    return sample([shape, narrower(random, shape)]);
  },
  'nn.negate': (random) => sample([shapeOf(random)]),
  'nn.pad': (random) => {
    const shape = shapeOf(random).map((extent) => extent + 2);
    const pads = list(random, 2 * shape.length, -1, 2);
    return sample([shape], { pads, value: pick(random, -1, 1) / 2 });
  },
  'nn.polynomial': (random) => {
    const shape = shapeOf(random);
    const coefficients = [pick(random, 1, 6), ...(random() < 0.5 ? [] : narrower(random, shape))];
    return sample([shape], { coefficients: '@c' }, { c: values(random, coefficients) });
  },
  'nn.reduce-mean': (random) => {
    const shape = shapeOf(random);
    const axes = shape.map((_, axis) => axis).filter(() => random() < 0.5);
    return sample([shape], { axes, keepDims: random() < 0.5 });
  },
  'nn.reshape': (random) => {
    const shape = shapeOf(random);
    return sample([shape], { shape: random() < 0.5 ? [elementCount(shape)] : shape.toReversed() });
  },
  'nn.scale': (random) => {
    const shape = shapeOf(random);
    const [x, factor] =
      random() < 0.7 ? [shape, narrower(random, shape)] : [narrower(random, shape), shape];
    return sample([x], { factor: '@f' }, { f: values(random, factor) });
  },
  'nn.slice': (random) => {
    const from = shapeOf(random).map((extent) => extent + 2);
    const steps = from.map(() => (random() < 0.5 ? -1 : 1) * pick(random, 1, 2));
    const starts = from.map((extent) => pick(random, 0, extent - 1));
    const shape = from.map((extent, k) => {
      const room = steps[k]! > 0 ? extent - 1 - starts[k]! : starts[k]!;
      return 1 + pick(random, 0, Math.floor(room / Math.abs(steps[k]!)));
    });
    return sample([from], { starts, steps, shape });
  },
  'nn.softmax': (random) => {
    const shape = shapeOf(random);
    return sample([shape], { axis: pick(random, 0, shape.length - 1) });
  },
  'nn.sub': (random) => {
    const shape = shapeOf(random);
    const pair = [shape, narrower(random, shape)];
    return sample(random() < 0.5 ? pair : pair.reverse());
  },
  'nn.top-k': (random) => {
    const shape = shapeOf(random);
    const axis = pick(random, 0, shape.length - 1);
    return sample([shape], {
      axis,
      count: pick(random, 1, shape[axis]!),
      smallest: random() < 0.5,
      result: random() < 0.5 ? 'values' : 'indices',
    });
  },
  'nn.transpose': (random) => {
    const shape = shapeOf(random);
    const permutation = shape.map((_, axis) => axis);
    for (let k = permutation.length - 1; k > 0; k--) {
      const other = pick(random, 0, k);
      [permutation[k], permutation[other]] = [permutation[other]!, permutation[k]!];
    }
    return sample([shape], { permutation });
  },
};

/** A sample of an operator. */
export function sampleOf(name: string, random: Random): Sample {
  const make = samples[name];
  invariant(make !== undefined, `there are no samples of ${name}`);
  return make(random);
}
