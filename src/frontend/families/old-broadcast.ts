/**
 * Broadcasting as ONNX had it before opset 7: asked for by an attribute, B aligned to an axis of A.
 *
 * Source: ONNX operator changelog, "Add-6".
 */
import type { ProgramBuilder } from '../../ir/build.ts';
import { shapeOf } from '../../ir/types.ts';
import { flag, int } from './attribute-schemas.ts';
import { attribute } from '../define-importer.ts';
import type { ImportContext, NodeValue } from '../define-importer.ts';

/** The last opset with these attributes. */
const until = 6;

/** Attributes of the elementwise operators of two operands. */
export const oldBroadcast = {
  until,
  attributes: {
    broadcast: attribute(flag.default(false), 'whether B broadcasts to A', { until }),
    axis: attribute(int.optional(), 'axis of A with which the first one of B is aligned', {
      until,
    }),
  },
};

/**
 * B with axes of extent 1 behind it, so that today's rules broadcast it as the attributes say.
 *
 * Throws MODEL_INVALID (through `invalid`) where the shapes do not fit.
 */
export function alignedOperand(
  [a, b]: readonly (NodeValue | undefined)[],
  attributes: Readonly<Record<string, unknown>>,
  builder: ProgramBuilder,
  invalid: ImportContext['invalid'],
): NodeValue | undefined {
  if (a === undefined || b === undefined) return b;
  const [from, to] = [a, b].map((value) =>
    value.kind === 'data' ? value.shape : value.tensor.shape,
  ) as [readonly number[], readonly number[]];
  const { broadcast, axis } = attributes;
  const same = from.length === to.length && from.every((extent, k) => extent === to[k]);
  if (same) return b;
  const text = `[${from.join(',')}] and [${to.join(',')}]`;
  if (broadcast !== true) return invalid(`the shapes ${text} differ without broadcast = 1`);
  if (typeof axis !== 'number') return b;
  const first = axis < 0 ? axis + from.length : axis;
  const behind = from.length - first - to.length;
  if (first < 0 || behind < 0) return invalid(`axis ${axis} does not align the shapes ${text}`);
  const shape = [...to, ...new Array<number>(behind).fill(1)];
  if (b.kind === 'constant') return { ...b, tensor: { shape, data: b.tensor.data } };
  const value = builder.add('nn.reshape', [b.value], { shape });
  return { kind: 'data', value, shape: shapeOf(builder.typeOf(value)) };
}
