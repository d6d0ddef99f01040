/** A max pool as maxima of two: max(a, b) = (a + b) / 2 + |a − b| / 2. */
import { numbersOf } from '../../ir/attribute-values.ts';
import type { ProgramBuilder } from '../../ir/build.ts';
import { indicesOf } from '../../ir/nn/window.ts';
import type { Operation, ValueId } from '../../ir/program.ts';
import { scalar } from '../../ir/tensor.ts';
import { shapeOf } from '../../ir/types.ts';
import { unsupportedNodes } from '../unsupported-nodes.ts';

/**
 * The largest of each window, by a tournament that approximate-activations takes the magnitudes of.
 *
 * Rounds: ⌈log2 of the window's size⌉. Throws MODEL_UNSUPPORTED where windows reach beyond the input.
 */
export function writeMaxima(operation: Operation, x: ValueId, builder: ProgramBuilder): ValueId {
  const { location, type } = operation;
  const [kernel, strides, dilations, pads] = (
    ['kernelShape', 'strides', 'dilations', 'pads'] as const
  ).map((name) => numbersOf(operation, name)) as [number[], number[], number[], number[]];
  const from = shapeOf(builder.typeOf(x));
  const shape = shapeOf(type);
  const inside = kernel.every(
    (extent, axis) =>
      (shape[axis + 2]! - 1) * strides[axis]! + (extent - 1) * dilations[axis]! < from[axis + 2]!,
  );
  if (pads.some((pad) => pad > 0) || !inside) {
    throw unsupportedNodes(
      [operation],
      'its windows reach beyond the input, where there is nothing to compare with',
      '--max-pool average, or a pool without padding',
    );
  }
  const add = (op: string, operands: ValueId[], attributes = {}): ValueId =>
    builder.add(op, operands, attributes, { location });
  const { range } = builder.typeOf(x);
  let maxima = 0;
  const largest = (a: ValueId, b: ValueId): ValueId => {
    const half = builder.constant(scalar(0.5), 'half');
    maxima += 1;
    // Each has a fit of its own, and a name of its own in the report.
    const own = { location: `${location ?? 'max'} (maximum ${maxima})` };
    const attributes = { function: 'abs', parameters: {} };
    const gap = builder.add('nn.activation', [add('nn.sub', [a, b])], attributes, own);
    const twice = add('nn.add', [add('nn.add', [a, b]), gap]);
    const value = add('nn.scale', [twice], { factor: half });
    return range === null ? value : builder.narrow(value, range);
  };
  let round: ValueId[] = [...indicesOf(kernel)].map((index) =>
    add('nn.slice', [x], {
      starts: [0, 0, ...index.map((at, axis) => at * dilations[axis]!)],
      steps: [1, 1, ...strides],
      shape,
    }),
  );
  while (round.length > 1) {
    const pairs = round;
    round = pairs.flatMap((a, n) => {
      if (n % 2 === 1) return [];
      const b = pairs[n + 1];
      return b === undefined ? [a] : [largest(a, b)];
    });
  }
  return round[0]!;
}
