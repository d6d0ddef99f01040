import { z } from 'zod';
import { attribute, defineImporter } from '../define-importer.ts';
import { extents } from '../families/attribute-schemas.ts';
import { windowAttributes, windowOf } from '../families/windows.ts';

export default defineImporter({
  operator: 'Conv',
  summary: 'Convolution over any number of spatial axes.',
  inputs: [
    { name: 'X', doc: '[batch, channels, spatial…]', form: 'data' },
    { name: 'W', doc: 'constant weights [maps, channels / group, kernel…]', form: 'constant' },
    { name: 'B', doc: 'constant bias [maps]', form: 'constant', optional: true },
  ],
  attributes: {
    ...windowAttributes,
    group: attribute(z.int().positive().default(1), 'number of groups of channels'),
    kernel_shape: attribute(extents.optional(), 'extents of the kernel; those of W where absent'),
  },
  lowersTo: '`nn.conv`, padding included.',
  import(context) {
    const x = context.data(0);
    const weights = context.constant(1).tensor;
    const bias = context.optionalConstant(2);
    const [, , ...spatial] = x.shape;
    const [, , ...kernel] = weights.shape;
    const declared = context.attributes.kernel_shape ?? kernel;
    if (declared.join() !== kernel.join()) {
      context.invalid(
        `kernel_shape [${declared.join(',')}] differs from the weights [${weights.shape.join(',')}]`,
        {
          kernel_shape: declared,
          weights: weights.shape,
        },
      );
    }
    return context.add('nn.conv', [x], {
      weights: context.reference(weights, `${context.name}.weights`),
      bias: bias === null ? null : context.reference(bias.tensor, `${context.name}.bias`),
      ...windowOf(spatial, kernel, context.attributes, context),
      groups: context.attributes.group,
    });
  },
});
