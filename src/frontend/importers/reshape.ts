import { elementCount } from '../../layout/layout.ts';
import { integersOf } from '../families/axes.ts';
import { attribute, defineImporter } from '../define-importer.ts';
import { flag } from '../families/attribute-schemas.ts';

export default defineImporter({
  operator: 'Reshape',
  summary: 'The same elements under another shape.',
  inputs: [
    { name: 'data', doc: 'any tensor', form: 'data' },
    { name: 'shape', doc: 'constant extents; −1 takes what is left, 0 copies', form: 'constant' },
  ],
  attributes: {
    allowzero: attribute(flag.default(false), 'whether 0 is an extent rather than a copy', {
      since: 14,
    }),
  },
  lowersTo: '`nn.reshape`, which costs nothing.',
  notes: ['A shape that is computed from the input is known: Shape gives constants.'],
  import(context) {
    const x = context.data(0);
    const wanted = integersOf(context.constant(1), context);
    const shape = wanted.map((extent, axis) => {
      if (extent !== 0 || context.attributes.allowzero) return extent;
      return (
        x.shape[axis] ??
        context.invalid(`0 at position ${axis} copies from a tensor of rank ${x.shape.length}`)
      );
    });
    const open = shape.indexOf(-1);
    if (open >= 0) {
      const known = elementCount(shape.filter((_, axis) => axis !== open));
      shape[open] = elementCount(x.shape) / known;
    }
    if (shape.some((extent) => !Number.isInteger(extent) || extent < 1)) {
      context.invalid(`[${x.shape.join(',')}] has no shape [${wanted.join(',')}]`, {
        from: x.shape,
        to: wanted,
      });
    }
    return context.add('nn.reshape', [x], { shape });
  },
});
