import { broadcastShapes, zipTensors } from '../../ir/tensor.ts';
import { multiplyByConstant } from '../arithmetic.ts';
import { defineImporter } from '../define-importer.ts';
import { isInteger } from '../onnx/element-types.ts';
import type { ConstantValue, ImportContext } from '../define-importer.ts';
import { oldBroadcast } from '../old-broadcast.ts';

/** The divisor, checked for zeros. */
function divisorOf(context: Pick<ImportContext, 'constant' | 'invalid'>): ConstantValue {
  const divisor = context.constant(1);
  const zero = divisor.tensor.data.indexOf(0);
  if (zero >= 0) context.invalid(`element ${zero} of the divisor is 0`, { index: zero });
  return divisor;
}

export default defineImporter({
  operator: 'Div',
  summary: 'Elementwise quotient with broadcasting, by a constant.',
  inputs: [
    { name: 'A', doc: 'any tensor', form: 'either' },
    { name: 'B', doc: 'a constant without zeros that broadcasts with A', form: 'either' },
  ],
  attributes: oldBroadcast.attributes,
  lowersTo: '`nn.scale` by the reciprocal.',
  notes: ['A divisor that depends on the encrypted input is refused: 1/x is no polynomial.'],
  import(context) {
    if (context.inputs[1]?.kind !== 'constant') {
      return context.unsupported(
        'it divides by an encrypted value',
        'divide by a constant, or multiply by a polynomial that approximates 1/x',
      );
    }
    const { shape, data } = divisorOf(context).tensor;
    return multiplyByConstant(
      context.data(0),
      { shape, data: data.map((value) => 1 / value) },
      context,
    );
  },
  fold(context) {
    const a = context.constant(0);
    const b = divisorOf(context);
    if (broadcastShapes(a.tensor.shape, b.tensor.shape) === null) {
      context.invalid(
        `the shapes [${a.tensor.shape.join(',')}] and [${b.tensor.shape.join(',')}] do not broadcast`,
      );
    }
    const whole = isInteger(a.elementType);
    return {
      ...a,
      tensor: zipTensors(a.tensor, b.tensor, (x, y) => (whole ? Math.trunc(x / y) : x / y)),
    };
  },
});
