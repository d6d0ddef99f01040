import { attribute, defineImporter } from '../define-importer.ts';
import { flag, float, int } from '../families/attribute-schemas.ts';

export default defineImporter({
  operator: 'BatchNormalization',
  summary: 'Normalisation of each channel by the statistics of the training.',
  inputs: [
    { name: 'X', doc: '[batch, channels, spatial…]', form: 'data' },
    { name: 'scale', doc: 'constant [channels]', form: 'constant' },
    { name: 'B', doc: 'constant [channels]', form: 'constant' },
    { name: 'input_mean', doc: 'constant [channels]', form: 'constant' },
    { name: 'input_var', doc: 'constant [channels]', form: 'constant' },
  ],
  attributes: {
    epsilon: attribute(float.default(1e-5), 'added to the variance'),
    momentum: attribute(float.default(0.9), 'of the training; ignored'),
    spatial: attribute(int.default(1), 'whether statistics are per channel; 0 is refused', {
      until: 8,
    }),
    is_test: attribute(flag.default(false), 'must be 1', { until: 6 }),
    training_mode: attribute(flag.default(false), 'must be 0', { since: 14 }),
  },
  lowersTo:
    '`nn.batch-norm`, which fold-batch-norm moves into a neighbouring convolution or dense layer.',
  import(context) {
    if (context.attributes.training_mode || (context.opset <= 6 && !context.attributes.is_test)) {
      context.unsupported(
        'it is in training mode',
        'export the model in inference mode: model.eval()',
      );
    }
    if (context.attributes.spatial !== 1) {
      context.unsupported(
        'it has statistics per activation (spatial = 0)',
        'export with opset 9 or later',
      );
    }
    const parameter = (index: number, name: string): string =>
      context.reference(context.constant(index).tensor, `${context.name}.${name}`);
    return context.add('nn.batch-norm', [context.data(0)], {
      scale: parameter(1, 'scale'),
      bias: parameter(2, 'bias'),
      mean: parameter(3, 'mean'),
      variance: parameter(4, 'variance'),
      epsilon: context.attributes.epsilon,
    });
  },
});
