/** Programs for the PyTorch modules. */
import type { PassNote } from '../../../src/passes/define-pass.ts';
import type { Program } from '../../../src/ir/program.ts';
import { writeProgram } from '../../support/small-programs.ts';

export const request = { producer: 'cipherloom 0.0.0', notes: [] as readonly PassNote[] };

const window = { strides: [1, 1], dilations: [1, 1], ceilMode: false };

/** Every operator that has a function in PyTorch, in the forms that it can have. */
export function everyOperator(): Program {
  const written = writeProgram(({ add, input, random, constant, conv, polynomial }) => {
    const x = input([1, 2, 6, 6], [-1, 1]);
    const even = conv(x, 2, 4);
    const uneven = add('nn.conv', [even], {
      weights: random([4, 2, 3, 3]),
      bias: null,
      strides: [2, 1],
      dilations: [1, 1],
      pads: [1, 0, 0, 1],
      groups: 2,
    });
    const normal = add('nn.batch-norm', [uneven], {
      scale: random([4]),
      bias: random([4]),
      mean: random([4]),
      variance: random([4], 0.5, 1),
      epsilon: 1e-5,
    });
    const square = polynomial(normal, [0, 0, 1]);
    const pooled = add('nn.average-pool', [square], {
      kernelShape: [2, 2],
      ...window,
      pads: [1, 1, 1, 1],
      countIncludePad: false,
    });
    const dilated = add('nn.average-pool', [square], {
      kernelShape: [2, 2],
      ...window,
      dilations: [2, 2],
      pads: [0, 0, 0, 0],
      countIncludePad: false,
    });
    const mean = add('nn.reduce-mean', [pooled], { axes: [2, 3], keepDims: false });
    const flat = add('nn.reshape', [dilated], { shape: [1, 12] });
    const cut = add('nn.slice', [flat], { starts: [0, 9], steps: [1, -2], shape: [1, 4] });
    const both = add('nn.mul', [mean, cut]);
    const scaled = add('nn.scale', [both], { factor: constant([], [-0.5]) });
    const shifted = add('nn.add-constant', [scaled], { value: random([1, 4]) });
    const cubic = add('nn.polynomial', [shifted], { coefficients: random([4, 1, 4]) });
    const joined = add('nn.concat', [cubic, mean], { axis: 1 });
    const wide = add('nn.pad', [joined], { pads: [0, 1, 0, 0], value: 0.5 });
    const turned = add('nn.transpose', [pooled], { permutation: [0, 2, 3, 1] });
    const product = add('nn.dense', [turned], { weights: random([4, 3]), bias: random([3]) });
    return [wide, add('nn.sub', [product, add('nn.negate', [add('nn.identity', [product])])])];
  });
  const [first, second] = written.outputs;
  return {
    ...written,
    outputs: [{ ...first!, postprocess: [{ op: 'softmax', axis: 1 }] }, second!],
  };
}

/** The first axis is mixed with others: one image at a time. */
export function mixedAxes(): Program {
  return writeProgram(({ add, input, random }) => {
    const x = input([1, 4, 3]);
    const rows = add('nn.reshape', [x], { shape: [4, 3] });
    const turned = add('nn.transpose', [rows], { permutation: [1, 0] });
    return [add('nn.dense', [turned], { weights: random([4, 2]), bias: null })];
  });
}

/** Names that are not those of variables, and would end strings and comments. */
export const hostileNames = [
  'class',
  'self',
  'forward',
  '"""\nimport os\nos.abort()\n"""',
  "w['x']",
  '\\',
  '0',
  '日本',
  '\u{1f600}\u2028',
  'a'.repeat(300),
] as const;

export function hostileProgram(): Program {
  const written = writeProgram(({ add, input, polynomial }) => {
    const inputs = hostileNames.map((name) => input([1, 2], [0, 1], name));
    const sum = inputs.reduce((a, b) => add('nn.add', [a, b]));
    return [polynomial(sum, [0, 1, 1])];
  });
  let n = 0;
  return {
    ...written,
    operations: written.operations.map((operation) => ({
      ...operation,
      location: hostileNames[n++ % hostileNames.length]!,
    })),
    outputs: written.outputs.map((output) => ({ ...output, name: hostileNames[3] })),
  };
}
