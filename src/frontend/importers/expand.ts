import { broadcastMap } from '../../ir/nn/broadcast.ts';
import { broadcastShapes, broadcastTo } from '../../ir/tensor.ts';
import { extentsOf } from '../families/axes.ts';
import { defineImporter } from '../define-importer.ts';
import type { ImportContext } from '../define-importer.ts';
import { linear } from '../families/weighted-sums.ts';

export default defineImporter({
  operator: 'Expand',
  summary: 'A tensor repeated to a shape by broadcasting.',
  inputs: [
    { name: 'input', doc: 'any tensor', form: 'data' },
    { name: 'shape', doc: 'constant extents that broadcast with those of input', form: 'constant' },
  ],
  attributes: {},
  lowersTo: '`nn.linear`, which copies.',
  import(context) {
    const x = context.data(0);
    const shape = shapeOf(x.shape, context);
    return linear([x], { maps: [broadcastMap(x.shape, shape, 1)], bias: null }, shape, context);
  },
  fold(context) {
    const { tensor, elementType } = context.constant(0);
    const expanded = broadcastTo(tensor, shapeOf(tensor.shape, context));
    return { kind: 'constant', tensor: expanded, elementType };
  },
});

function shapeOf(from: readonly number[], context: ImportContext): readonly number[] {
  const wanted = extentsOf(context.constant(1), context);
  const shape =
    broadcastShapes(from, wanted) ??
    context.invalid(`[${from.join(',')}] does not broadcast to [${wanted.join(',')}]`);
  context.elements(shape);
  return shape;
}
