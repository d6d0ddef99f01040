import { attribute, defineImporter } from '../define-importer.ts';
import { extents, flag, int } from '../families/attribute-schemas.ts';
import { windowAttributes, windowOf } from '../families/windows.ts';

export default defineImporter({
  operator: 'MaxPool',
  summary: 'Largest element of each window.',
  inputs: [{ name: 'X', doc: '[batch, channels, spatial…]', form: 'data' }],
  attributes: {
    ...windowAttributes,
    dilations: { ...windowAttributes.dilations, since: 10 },
    ceil_mode: attribute(flag.default(false), 'whether a window that partly fits counts', {
      since: 10,
    }),
    kernel_shape: attribute(extents, 'extents of the window'),
    storage_order: attribute(int.default(0), 'of the output Indices, which is refused; ignored', {
      since: 8,
    }),
  },
  lowersTo: '`nn.max-pool`.',
  notes: [
    'A maximum is no polynomial: compiling such a model needs `--max-pool average`, which replaces each maximum by a mean and should be followed by fine-tuning.',
  ],
  import(context) {
    const x = context.data(0);
    const { kernel_shape: kernelShape, ceil_mode: ceilMode } = context.attributes;
    return context.add('nn.max-pool', [x], {
      kernelShape,
      ...windowOf(x.shape.slice(2), kernelShape, context.attributes, context),
      ceilMode,
    });
  },
});
