/** Softmax and its like: one axis since opset 13, everything behind an axis before. */
import type { DataValue, ImportContext } from '../define-importer.ts';
import { axisOf } from './axes.ts';

/** Apply `op` along the axis with the meaning of the node's opset. */
export function classify(
  op: 'nn.softmax' | 'nn.log-softmax' | 'nn.hardmax',
  axis: number | undefined,
  context: ImportContext,
): DataValue {
  const x = context.data(0);
  if (context.opset >= 13) {
    return context.add(op, [x], { axis: axisOf(axis ?? -1, x.shape.length, context) });
  }
  const from = axisOf(axis ?? 1, x.shape.length, context);
  const wide = x.shape.map((_, k) => k).filter((k) => k >= from && x.shape[k] !== 1);
  const [only] = wide;
  if (wide.length <= 1) return context.add(op, [x], { axis: only ?? from });
  const product = (extents: readonly number[]): number => extents.reduce((a, b) => a * b, 1);
  const shape = [product(x.shape.slice(0, from)), product(x.shape.slice(from))];
  const flat = context.add('nn.reshape', [x], { shape });
  return context.add('nn.reshape', [context.add(op, [flat], { axis: 1 })], { shape: x.shape });
}

export const classifierNote =
  'At the end of a model the client computes it after decryption; elsewhere it is refused.';
