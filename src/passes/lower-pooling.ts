/** Turn average pools into convolutions, and refuse or replace max pools. */
import { rewriteProgram } from '../ir/build.ts';
import type { ProgramBuilder } from '../ir/build.ts';
import type { Operation, Program, ValueId } from '../ir/program.ts';
import { shapeOf } from '../ir/types.ts';
import { elementCount } from '../layout/layout.ts';
import { numbersOf } from '../ir/attribute-values.ts';
import { definePass } from './define-pass.ts';
import type { PassContext } from './define-pass.ts';
import { maxPoolCost } from './pooling/max-pool-cost.ts';
import { writeMaxima } from './pooling/write-maxima.ts';
import { unsupportedNodes } from './unsupported-nodes.ts';

export default definePass({
  name: 'lower-pooling',
  summary:
    'Turn average pools into convolutions; refuse max pools, or replace them by averages or by maxima of two.',
  phase: 'nn',
  run(program, context) {
    const { options, warn } = context;
    const maxPools = program.operations.filter(({ op }) => op === 'nn.max-pool');
    if (maxPools.length > 0 && options.maxPool === null) {
      throw unsupportedNodes(
        maxPools,
        'a maximum is no polynomial',
        '--max-pool average replaces each by an average pool; the result changes, so check its accuracy or train the model with average pools. --max-pool polynomial keeps the maximum, and takes the levels of an activation for each doubling of the window',
      );
    }
    const averages = options.maxPool === 'average';
    if (averages && maxPools.length > 0) warnOfCost(program, context);
    return rewriteProgram(program, (operation, _, { builder, mapped, keep }) => {
      const isMax = operation.op === 'nn.max-pool';
      if (!isMax && operation.op !== 'nn.average-pool') return keep();
      const [x] = operation.operands.map(mapped);
      if (x === undefined) return keep();
      if (isMax && !averages) return writeMaxima(operation, x, builder);
      if (isMax) {
        const node = operation.location === null ? {} : { node: operation.location };
        const name = operation.location ?? 'a MaxPool';
        warn({
          id: 'MAX_POOL_AVERAGED',
          message: `${name} is computed as an average pool`,
          ...node,
        });
      }
      // The maximum ignores padding, so its average leaves it out as well.
      const countIncludePad = !isMax && operation.attributes.countIncludePad === true;
      const convolution = asConvolution(operation, countIncludePad, x, builder);
      if (convolution !== null) return convolution;
      const attributes = { ...operation.attributes, countIncludePad };
      const { location, type } = operation;
      // The average is bounded by the operator's own rule; the bounds of a maximum are others.
      const range = isMax ? {} : { range: type.range };
      return builder.add('nn.average-pool', [x], attributes, { location, ...range });
    });
  },
});

/** State what averages change of the answers, where there is data to see it on. */
function warnOfCost(program: Program, { calibration, warn, work }: PassContext): void {
  // An estimate within a budget of work tells nothing of it.
  if (calibration === null || work !== undefined) return;
  const averaged = rewriteProgram(program, (operation, _, { builder, mapped, keep }) => {
    const [x] = operation.operands.map(mapped);
    if (operation.op !== 'nn.max-pool' || x === undefined) return keep();
    const attributes = { ...operation.attributes, countIncludePad: false };
    return builder.add('nn.average-pool', [x], attributes, { location: operation.location });
  });
  const { images, agreement, relativeError } = maxPoolCost(program, averaged, calibration);
  const percent = (part: number): string => `${(100 * part).toFixed(1)} %`;
  const same = agreement === null ? '' : `${percent(agreement)} of the answers stay the same, `;
  warn({
    id: 'MAX_POOL_AVERAGED',
    message: `averages in the place of maxima: on ${images} calibration images ${same}outputs move by ${percent(relativeError)} (root mean square)`,
  });
}

/** The pool as a convolution of each channel by itself, or null where divisors differ by position. */
function asConvolution(
  operation: Operation,
  countIncludePad: boolean,
  x: ValueId,
  builder: ProgramBuilder,
): ValueId | null {
  const { location, type } = operation;
  const from = shapeOf(builder.typeOf(x));
  const [kernel, strides, dilations, pads] = (
    ['kernelShape', 'strides', 'dilations', 'pads'] as const
  ).map((name) => numbersOf(operation, name)) as [number[], number[], number[], number[]];
  if (pads.some((pad) => pad > 0) && !countIncludePad) return null;
  // A last window that only partly fits (ceilMode) has a divisor of its own.
  const whole = kernel.every((extent, axis) => {
    const span = (extent - 1) * dilations[axis]! + 1;
    const room = from[axis + 2]! + pads[axis]! + pads[axis + kernel.length]! - span;
    return Math.floor(room / strides[axis]!) + 1 === shapeOf(type)[axis + 2];
  });
  const channels = from[1];
  if (!whole || channels === undefined) return null;
  const size = elementCount(kernel);
  const data = new Float64Array(channels * size).fill(Math.fround(1 / size));
  const weights = builder.constant(
    { shape: [channels, 1, ...kernel], data },
    `${location ?? 'pool'}.weights`,
  );
  const window = { strides, dilations, pads };
  return builder.add(
    'nn.conv',
    [x],
    { weights, bias: null, ...window, groups: channels },
    { location },
  );
}
