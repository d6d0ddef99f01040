import { defineImporter } from '../define-importer.ts';
import { formatOf } from '../onnx/element-types.ts';
import {
  mapQuantised,
  quantisationAttributes,
  quantisationOf,
  sameQuantisation,
} from '../families/quantisation.ts';

export default defineImporter({
  operator: 'DequantizeLinear',
  summary: '(x − zero point) · scale: integers as real numbers.',
  inputs: [
    { name: 'x', doc: 'integers; data only from QuantizeLinear', form: 'either', quantised: true },
    { name: 'x_scale', doc: 'one scale, or one by axis or block', form: 'constant' },
    {
      name: 'x_zero_point',
      doc: 'as many integers, 0 where absent',
      form: 'constant',
      optional: true,
    },
  ],
  attributes: quantisationAttributes,
  lowersTo:
    'nothing: quantised weights become real numbers, quantised activations keep the value that was quantised.',
  notes: [
    'Weights of 4, 8, 16 and 32 bits, by tensor, axis or block; float8 is refused.',
    'An activation must be quantised by the QuantizeLinear before it, with the same scale and zero point.',
  ],
  import(context) {
    const { quantised, ...x } = context.data(0);
    if (quantised === undefined) {
      return context.unsupported(
        'its input is encrypted and not made by QuantizeLinear',
        'quantise in the QDQ format: QuantizeLinear, then DequantizeLinear',
      );
    }
    if (!sameQuantisation(quantised, quantisationOf(x.shape, quantised.elementType, context))) {
      return context.unsupported(
        'its scale or zero point is not that of the QuantizeLinear before it',
        'export in the QDQ format, where the two are the same',
      );
    }
    return x;
  },
  fold(context) {
    const { tensor, elementType } = context.constant(0);
    const { elementType: real } = context.constant(1);
    const quantisation = quantisationOf(tensor.shape, elementType, context);
    const { convert } = formatOf(real);
    const dequantised = mapQuantised(tensor, quantisation, (value, scale, zero) =>
      convert((value - zero) * scale),
    );
    return { kind: 'constant', tensor: dequantised, elementType: real };
  },
});
