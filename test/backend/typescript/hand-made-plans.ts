/** Client plans written by hand: what the generator must survive, small enough to read. */
import type { ClientInput, ClientOutput, ClientPlan } from '../../../src/layout/client-plan.ts';
import { elementCount, zeroUnused, type Layout } from '../../../src/layout/layout.ts';
import { squarePlan, ringDegree } from '../../client/toy-plan.ts';

/** Images side by side in the slots, one element after the other. */
function rowMajor(shape: readonly number[], batch: number): Layout {
  const elements = elementCount(shape);
  return {
    shape,
    slots: ringDegree / 2,
    ciphertexts: 1,
    origin: shape.map(() => 0),
    digits: [
      { of: 'batch', size: batch, step: 1, place: 'slot', stride: elements },
      ...shape.map((size, axis) => ({
        of: axis,
        size,
        step: 1,
        place: 'slot' as const,
        stride: elementCount(shape.slice(axis + 1)),
      })),
    ],
    unused: zeroUnused,
  };
}

function input(name: string, shape: readonly number[], batch: number): ClientInput {
  return { name, shape, layout: rowMajor(shape, batch), level: 2, scale: 2 ** 36, range: [0, 1] };
}

function output(
  name: string,
  shape: readonly number[],
  batch: number,
  more: Partial<ClientOutput> = {},
): ClientOutput {
  return {
    name,
    shape,
    layout: rowMajor(shape, batch),
    level: 1,
    scale: 2 ** 36,
    bound: 32.5,
    postprocess: [],
    ...more,
  };
}

export const digits = ['zero', 'one', 'two', 'three', 'four', 'five', 'six', 'seven'] as const;

/** A model that takes a tensor from the server besides. */
export const publicPlan: ClientPlan = {
  ...squarePlan,
  producer: 'cipherloom 0.1.0',
  name: 'towers',
  batch: 1,
  inputs: [input('secret', [1, 8], 1)],
  publicInputs: [{ name: 'known', shape: [1, 5], range: [-1, 1] }],
  outputs: [output('score', [1, 2], 1)],
  precisionBits: 14.25,
};

/** One image an execution, as the examples have it. */
export const plainPlan: ClientPlan = {
  ...squarePlan,
  producer: 'cipherloom 0.1.0',
  name: 'lola',
  batch: 1,
  inputs: [input('image', [1, 1, 8, 8], 1)],
  outputs: [output('logits', [1, 8], 1, { labels: digits })],
  precisionBits: 14.25,
};

/** Eight images, two inputs, every kind of output. */
export const batchPlan: ClientPlan = {
  ...squarePlan,
  producer: 'cipherloom 0.1.0',
  name: '2 heads, batch 8',
  batch: 8,
  inputs: [
    { ...input('image', [1, 1, 8, 8], 8), range: [-1.5, 1e-7] },
    input('onnx::Mask_0', [8], 8),
  ],
  outputs: [
    output('probabilities', [1, 8], 8, {
      labels: digits,
      postprocess: [{ op: 'softmax', axis: -1 }],
    }),
    output('digit', [1, 8], 8, {
      labels: digits.map((name) => `${name}, which needs a line of its own`),
      postprocess: [{ op: 'argMax', axis: 1, keepDims: false }],
    }),
    output('pixels', [1, 2, 4, 4], 8, { labels: ['cat', 'dog'] }),
    output('column', [4, 2], 8, { postprocess: [{ op: 'argMax', axis: 0, keepDims: true }] }),
    output('scalar', [], 8),
  ],
};

/** Names that end a comment, a string or a line, set a prototype, or look like tags and code. */
export const hostileNames = [
  '__proto__',
  'constructor',
  'then',
  '',
  '0',
  '1e3',
  "it's",
  '"quoted"',
  `both ' and "`,
  '*/ process.exit(1); /*',
  '${process.exit(1)}',
  '`',
  'line\nbreak\r\ttab\\',
  '\u2028\u2029\u0000\u001b[31m',
  '\u202Ereversed',
  '\uD800 half a pair',
  'Größe',
  '画像',
  '🖼️',
  '@deprecated {@link x}',
  '</script><!-- -->',
  'class',
  'x'.repeat(512),
] as const;

/** Every hostile name as an input, an output and a label. */
export const hostilePlan: ClientPlan = {
  ...squarePlan,
  producer: "cipherloom 0.1.0 */ '",
  name: '*/ export default 1; /* \u202E @deprecated',
  batch: 1,
  inputs: hostileNames.map((name) => input(name, [1, 2], 1)),
  outputs: hostileNames.map((name) =>
    output(name, [1, hostileNames.length], 1, { labels: hostileNames }),
  ),
};
