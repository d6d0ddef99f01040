import { elementCount } from '../../layout/layout.ts';
import { broadcastStrides } from '../../ir/tensor.ts';
import type { Tensor } from '../../ir/tensor.ts';
import { activation, activationLowering, activationNotes } from '../families/activations.ts';
import { defineImporter } from '../define-importer.ts';

export default defineImporter({
  operator: 'PRelu',
  summary: 'x where x ≥ 0, slope · x elsewhere, with a slope for each channel or element.',
  inputs: [
    { name: 'X', doc: '[batch, channels, …]', form: 'data' },
    { name: 'slope', doc: 'a constant that broadcasts to X', form: 'constant' },
  ],
  attributes: {},
  lowersTo: activationLowering,
  notes: [
    ...activationNotes('leakyRelu'),
    'The polynomial has coefficients for each slope; it costs no more than one polynomial for all.',
  ],
  import(context) {
    const x = context.data(0);
    const { shape, data } = context.constant(1).tensor;
    // Before opset 7 a list of slopes has one for each channel.
    const channels = context.opset < 7 && shape.length === 1 && data.length > 1;
    const slope: Tensor = channels
      ? { shape: [...shape, ...x.shape.slice(2).map(() => 1)], data }
      : { shape, data };
    if (broadcastStrides(slope.shape, x.shape) === null) {
      context.invalid(`slope [${shape.join(',')}] does not broadcast to [${x.shape.join(',')}]`, {
        slope: shape,
        X: x.shape,
      });
    }
    const [only = 0] = data;
    return elementCount(shape) === 1
      ? activation('leakyRelu', { slope: only }, context)
      : activation(
          'leakyRelu',
          { slope: context.reference(slope, `${context.name}.slope`) },
          context,
        );
  },
});
