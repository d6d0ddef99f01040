import { attribute, defineImporter } from '../define-importer.ts';
import { extents, flag } from '../families/attribute-schemas.ts';
import { windowAttributes, windowOf } from '../families/windows.ts';

export default defineImporter({
  operator: 'AveragePool',
  summary: 'Mean of each window.',
  inputs: [{ name: 'X', doc: '[batch, channels, spatial…]', form: 'data' }],
  attributes: {
    ...windowAttributes,
    dilations: { ...windowAttributes.dilations, since: 19 },
    ceil_mode: attribute(flag.default(false), 'whether a window that partly fits counts', {
      since: 10,
    }),
    count_include_pad: attribute(
      flag.default(false),
      'whether padding counts as elements of value 0',
    ),
    kernel_shape: attribute(extents, 'extents of the window'),
  },
  lowersTo: '`nn.average-pool`, which lower-pooling turns into a convolution.',
  import(context) {
    const x = context.data(0);
    const { kernel_shape: kernelShape, ceil_mode: ceilMode } = context.attributes;
    return context.add('nn.average-pool', [x], {
      kernelShape,
      ...windowOf(x.shape.slice(2), kernelShape, context.attributes, context),
      ceilMode,
      countIncludePad: context.attributes.count_include_pad,
    });
  },
});
